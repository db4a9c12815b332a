// SPDX-License-Identifier: GPL-2.0

//! The twin of `claim_returns_a_reference.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

fn peek(credits: &mut u32, _: &()) -> Option<u32> {
    Some(*credits)
}

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> bool {
    let held = gate.lock_in(cx);
    held.wait(Uninterruptible, |g| g.project().credits, peek, ())
        .is_ok()
}
