// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: the capability is the guard's until the entry is unlocked.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn wait(map: &EntryMap<u64>, gate: &Mutex<u64>, cx: &mut MaySleep) -> Result {
    let entry = map.lock(cx, Killable, 1)?;
    drop(gate.lock_in(cx)); //~ E0499
    drop(entry);
    Ok(())
}
