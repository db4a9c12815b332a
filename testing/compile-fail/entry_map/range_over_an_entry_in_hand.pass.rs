// SPDX-License-Identifier: GPL-2.0

//! The twin of `range_over_an_entry_in_hand.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn clean(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    let first = map.lock(cx, Uninterruptible, 7)?;
    map.waiters(7);
    drop(first);
    Ok(())
}
