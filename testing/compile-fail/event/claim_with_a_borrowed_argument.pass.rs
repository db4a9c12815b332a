// SPDX-License-Identifier: GPL-2.0

//! The twin of `claim_with_a_borrowed_argument.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep, limit: &'static u32) -> Result<(), Closed> {
    let held = gate.lock_in(cx);
    held.on(|g| &g.credits)
        .until(move |credits| *credits >= *limit)
        .wait(Uninterruptible)
}
