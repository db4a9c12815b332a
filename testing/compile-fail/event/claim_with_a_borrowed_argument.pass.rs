// SPDX-License-Identifier: GPL-2.0

//! The twin of `claim_with_a_borrowed_argument.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

fn reach(credits: &mut u32, limit: &&u32) -> Option<()> {
    (*credits >= **limit).then_some(())
}

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep, limit: &'static u32) -> Result<(), Closed> {
    let held = gate.lock_in(cx);
    held.wait(Uninterruptible, |g| g.project().credits, reach, limit)
}
