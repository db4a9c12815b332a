// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: to wait for an entry is to sleep.
//! hazard: f13 f17

#[path = "../common.rs"]
mod common;
use common::*;

pub fn look(map: &EntryMap<u64>, cx: &mut MaySleep, count: &SpinLock<u32>) -> Result<bool> {
    let _count = count.lock_in(cx);
    let entry = map.lock(cx, Killable, 7)?; //~ E0499
    Ok(entry.is_some())
}
