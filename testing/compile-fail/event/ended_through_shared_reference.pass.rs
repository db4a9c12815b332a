// SPDX-License-Identifier: GPL-2.0

//! The twin of `ended_through_shared_reference.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn reset(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let mut held = gate.lock_in(cx);
    held.as_mut().project().open.end_waits();
}
