// SPDX-License-Identifier: GPL-2.0

//! The twin of `lock_taken_with_an_entry_in_hand.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn change(map: &EntryMap<u64>, limit: &Mutex<u64>, cx: &mut MaySleep) -> Result {
    if let Some(mut entry) = map.lock(cx, Killable, 1)? {
        let value = *limit.lock();
        entry.set(value)?;
    }
    Ok(())
}
