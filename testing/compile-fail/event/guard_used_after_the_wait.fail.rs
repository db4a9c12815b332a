// SPDX-License-Identifier: GPL-2.0

//! error: E0382
//! because: the wait has released the lock: what it guarded is anybody's.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> u32 {
    let held = gate.lock_in(cx);
    let _ = held.on(|g| &g.open).until(is_open).wait(Uninterruptible);
    held.limit //~ E0382
}
