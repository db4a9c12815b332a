// SPDX-License-Identifier: GPL-2.0

//! The twin of `claim_of_something_not_send.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

use kernel::types::NotThreadSafe;

type Token = ();

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep, token: Token) -> Result<(), Closed> {
    let held = gate.lock_in(cx);
    let check = move |open: &bool| (*open, &token).0;
    held.on(|g| &g.open).until(check).wait(Uninterruptible)
}
