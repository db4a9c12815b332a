// SPDX-License-Identifier: GPL-2.0

//! error: error
//! because: what the condition stood on is not looked at after the lock was released.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> bool {
    let held = gate.lock_in(cx);
    held.on(|g| &g.credits)
        .when(|credits| *credits > 0, |credits| &mut *credits) //~ error
        .wait(Uninterruptible)
        .is_ok()
}
