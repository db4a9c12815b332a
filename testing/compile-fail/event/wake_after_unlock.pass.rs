// SPDX-License-Identifier: GPL-2.0

//! The twin of `wake_after_unlock.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn open(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let mut held = gate.lock_in(cx);
    let event = held.as_mut().project().open;
    event.update(|open| *open = true);
}
