// SPDX-License-Identifier: GPL-2.0

//! The twin of `made_from_nothing.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>) {
    let cx = &mut MaySleep::assert();
    drop(gate.lock_in(cx));
}
