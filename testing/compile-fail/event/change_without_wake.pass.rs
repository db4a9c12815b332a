// SPDX-License-Identifier: GPL-2.0

//! The twin of `change_without_wake.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn open(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let mut held = gate.lock_in(cx);
    held.as_mut().project().open.update(|open| *open = true);
}
