// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: the waker runs the claim in its own task, with the argument of the waiter.

#[path = "../common.rs"]
mod common;
use common::*;

use kernel::types::NotThreadSafe;

type Token = NotThreadSafe;

fn check(open: &mut bool, _: &Token) -> Option<()> {
    open.then_some(())
}

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep, token: Token) -> Result<(), Closed> {
    let held = gate.lock_in(cx);
    held.wait(Uninterruptible, |g| g.project().open, check, token) //~ E0277
}
