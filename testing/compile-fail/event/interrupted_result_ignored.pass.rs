// SPDX-License-Identifier: GPL-2.0

//! The twin of `interrupted_result_ignored.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result<u32, Closed> {
    let held = gate.lock_in(cx);
    held.on(|g| &g.credits).claim(take(1)).wait(Uninterruptible)
}
