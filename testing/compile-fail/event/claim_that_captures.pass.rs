// SPDX-License-Identifier: GPL-2.0

//! The twin of `claim_that_captures.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep, limit: &u32) -> Result<(), Closed> {
    let held = gate.lock_in(cx);
    held.on(|g| &g.credits)
        .until(move |credits| *credits >= 1)
        .wait(Uninterruptible)
}
