// SPDX-License-Identifier: GPL-2.0

//! The twin of `updated_without_a_pin.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn give(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let mut held = gate.lock_in(cx);
    held.update(|gate| gate.project().credits, |credits| *credits += 1);
}
