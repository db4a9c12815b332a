// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: a guard that did not borrow the capability to sleep, as in an interrupt, cannot wait.
//! hazard: f06

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &SpinLockIrq<Gate>, cx: &mut MaySleep) -> Result<(), Closed> {
    let irq = cx.interrupts_off();
    let held = gate.lock_with(&irq);
    held.on(|g| &g.open).until(is_open).wait(Uninterruptible) //~ E0599
}
