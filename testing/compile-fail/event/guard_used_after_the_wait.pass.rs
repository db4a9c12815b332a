// SPDX-License-Identifier: GPL-2.0

//! The twin of `guard_used_after_the_wait.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> u32 {
    let held = gate.lock_in(cx);
    let _ = held.on(|g| &g.open).until(is_open).wait(Uninterruptible);
    gate.lock_in(cx).limit
}
