// SPDX-License-Identifier: GPL-2.0

//! error: E0521
//! because: the waker runs the claim; what it reads must not be borrowed from the waiter's caller.

#[path = "../common.rs"]
mod common;
use common::*;

fn reach(credits: &mut u32, limit: &&u32) -> Option<()> {
    (*credits >= **limit).then_some(())
}

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep, limit: &u32) -> Result<(), Closed> {
    let held = gate.lock_in(cx);
    held.wait(Uninterruptible, |g| g.project().credits, reach, limit) //~ E0521
}
