// SPDX-License-Identifier: GPL-2.0

//! The twin of `selector_that_serves.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result<(), WaitError> {
    let held = gate.lock_in(cx);
    held.on(|g| {
        let _ = g.limit;
        &g.open
    })
    .until(is_open)
    .wait(Interruptible)
}
