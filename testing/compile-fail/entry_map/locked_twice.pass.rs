// SPDX-License-Identifier: GPL-2.0

//! The twin of `locked_twice.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn twice(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    let first = map.lock(cx, Uninterruptible, 7)?;
    let second = map.waiters(7);
    drop((first, second));
    Ok(())
}
