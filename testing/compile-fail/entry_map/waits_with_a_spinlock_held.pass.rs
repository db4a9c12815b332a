// SPDX-License-Identifier: GPL-2.0

//! The twin of `waits_with_a_spinlock_held.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn look(map: &EntryMap<u64>, cx: &mut MaySleep, count: &SpinLock<u32>) -> Result<bool> {
    let _count = count;
    let entry = map.lock(cx, Killable, 7)?;
    Ok(entry.is_some())
}
