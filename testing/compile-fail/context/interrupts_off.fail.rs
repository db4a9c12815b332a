// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: with interrupts disabled nothing can sleep until they are enabled again.
//! hazard: f06

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &SpinLockIrq<Gate>, cx: &mut MaySleep) -> Result<(), Closed> {
    let _irq = cx.interrupts_off();
    let held = gate.lock_in(cx); //~ E0499
    held.on(|g| &g.open).until(is_open).wait(Uninterruptible)
}
