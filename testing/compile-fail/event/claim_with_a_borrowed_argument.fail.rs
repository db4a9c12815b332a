// SPDX-License-Identifier: GPL-2.0

//! error: E0521
//! because: the waker runs the claim; what it reads must not be borrowed from the waiter's caller.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep, limit: &u32) -> Result<(), Closed> {
    let held = gate.lock_in(cx);
    held.on(|g| &g.credits) //~ E0521
        .until(move |credits| *credits >= *limit)
        .wait(Uninterruptible)
}
