// SPDX-License-Identifier: GPL-2.0

//! The twin of `range_through_the_guard.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn clean(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    if let Some(mut entry) = map.lock(cx, Uninterruptible, 7)? {
        drop(entry.lock_next(Uninterruptible, 8)?);
    }
    Ok(())
}
