// SPDX-License-Identifier: GPL-2.0

//! error: E0382
//! because: a wait consumes the guard; the second one has to take the lock and look again.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let held = gate.lock_in(cx);
    let _ = held.on(|g| &g.open).until(is_open).wait(Uninterruptible);
    let _ = held.on(|g| &g.open).until(is_open).wait(Uninterruptible); //~ E0382
}
