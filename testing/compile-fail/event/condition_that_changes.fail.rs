// SPDX-License-Identifier: GPL-2.0

//! error: E0594
//! because: a condition that changes the data could fail after that, and nobody would be considered.
//! hazard: f02

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result<(), Closed> {
    let held = gate.lock_in(cx);
    held.on(|g| &g.open)
        .until(|open| {
            *open = true; //~ E0594
            false
        })
        .wait(Uninterruptible)
}
