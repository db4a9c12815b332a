// SPDX-License-Identifier: GPL-2.0

//! The twin of `wait_without_predicate.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result<(), Closed> {
    let held = gate.lock_in(cx);
    held.on(|g| &g.open).until(is_open).wait(Uninterruptible)
}
