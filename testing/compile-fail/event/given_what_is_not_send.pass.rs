// SPDX-License-Identifier: GPL-2.0

//! The twin of `given_what_is_not_send.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

use kernel::types::NotThreadSafe;

type Token = ();

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep, token: Token) -> Result {
    let on = gate.lock_in(cx).on(|g| &g.open);
    drop(on.give(token));
    Ok(())
}
