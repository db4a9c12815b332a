// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: a held lock has borrowed the capability to sleep, so a wait can only release all there is.
//! hazard: f05 f07

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(outer: &SpinLock<u32>, gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result<(), Closed> {
    let _outer = outer.lock_in(cx);
    let held = gate.lock_in(cx); //~ E0499
    held.on(|g| &g.open).until(is_open).wait(Uninterruptible)
}
