// SPDX-License-Identifier: GPL-2.0

//! error: E0106
//! because: what the condition stood on is not looked at after the lock was released.

#[path = "../common.rs"]
mod common;
use common::*;

fn peek(credits: &mut u32, _: &()) -> Option<&mut u32> {
    //~^ E0106
    Some(*credits)
}

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> bool {
    let held = gate.lock_in(cx);
    held.wait(Uninterruptible, |g| g.project().credits, peek, ())
        .is_ok()
}
