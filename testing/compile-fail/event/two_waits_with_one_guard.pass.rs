// SPDX-License-Identifier: GPL-2.0

//! The twin of `two_waits_with_one_guard.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let held = gate.lock_in(cx);
    let _ = held.on(|g| &g.open).until(is_open).wait(Uninterruptible);
    let held = gate.lock_in(cx);
    let _ = held.on(|g| &g.open).until(is_open).wait(Uninterruptible);
}
