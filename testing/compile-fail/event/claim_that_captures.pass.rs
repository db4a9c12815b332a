// SPDX-License-Identifier: GPL-2.0

//! The twin of `claim_that_captures.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep, limit: &u32) -> Result<u32, Closed> {
    let held = gate.lock_in(cx);
    held.wait(
        Uninterruptible,
        |g| g.project().credits,
        |credits, want| (*credits >= *want).then_some(*want),
        1,
    )
}
