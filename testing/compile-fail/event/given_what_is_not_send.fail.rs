// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: it is moved by whoever serves the wait, in another task.

#[path = "../common.rs"]
mod common;
use common::*;

use kernel::types::NotThreadSafe;

type Token = NotThreadSafe;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep, token: Token) -> Result {
    let on = gate.lock_in(cx).on(|g| &g.open);
    drop(on.give(token)); //~ E0277
    Ok(())
}
