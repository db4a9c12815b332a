// SPDX-License-Identifier: GPL-2.0

//! The twin of `interrupts_off.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &SpinLockIrq<Gate>, cx: &mut MaySleep) -> Result<(), Closed> {
    drop(cx.interrupts_off());
    let held = gate.lock_in(cx);
    held.on(|g| &g.open).until(is_open).wait(Uninterruptible)
}
