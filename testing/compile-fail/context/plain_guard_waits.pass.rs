// SPDX-License-Identifier: GPL-2.0

//! The twin of `plain_guard_waits.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &SpinLockIrq<Gate>, cx: &mut MaySleep) -> Result<(), Closed> {
    let irq = cx.interrupts_off();
    let held = gate.lock_with(&irq);
    Ok(drop(held))
}
