// SPDX-License-Identifier: GPL-2.0

//! The twin of `result_not_looked_at.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

#[deny(unused_must_use)]
pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let held = gate.lock_in(cx);
    let _credit = held.on(|g| &g.credits).claim(take(1)).wait(Interruptible);
}
