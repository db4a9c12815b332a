// SPDX-License-Identifier: GPL-2.0

//! The twin of `claim_returns_a_reference.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> bool {
    let held = gate.lock_in(cx);
    held.on(|g| &g.credits)
        .when(|credits| *credits > 0, |credits| *credits)
        .wait(Uninterruptible)
        .is_ok()
}
