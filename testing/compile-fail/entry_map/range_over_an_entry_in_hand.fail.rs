// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: an operation on a range waits for every entry, also for the one in hand.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn clean(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    let first = map.lock(cx, Uninterruptible, 7)?;
    map.invalidate(cx, Uninterruptible, .., |_, _, _| ())?; //~ E0499
    drop(first);
    Ok(())
}
