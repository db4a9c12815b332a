// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: the waker runs the claim in its own task, with what it has captured.

#[path = "../common.rs"]
mod common;
use common::*;

use kernel::types::NotThreadSafe;

type Token = NotThreadSafe;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep, token: Token) -> Result<(), Closed> {
    let held = gate.lock_in(cx);
    let check = move |open: &bool| (*open, &token).0;
    held.on(|g| &g.open).until(check).wait(Uninterruptible) //~ E0277
}
