// SPDX-License-Identifier: GPL-2.0

//! The twin of `capability_used_beside_the_guard.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn wait(map: &EntryMap<u64>, gate: &Mutex<u64>, cx: &mut MaySleep) -> Result {
    let entry = map.lock(cx, Killable, 1)?;
    drop(gate.lock());
    drop(entry);
    Ok(())
}
