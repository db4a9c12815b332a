// SPDX-License-Identifier: GPL-2.0

//! The twin of `first_unlocked_before_the_second.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn both(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    if let Some(mut first) = map.lock(cx, Killable, 1)? {
        let second = first.lock_next(Killable, 2)?;
        let second = second.map(EntryGuard::detach);
        drop(second);
    }
    Ok(())
}
