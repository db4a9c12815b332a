// SPDX-License-Identifier: GPL-2.0

//! The twin of `another_lock_held.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(outer: &SpinLock<u32>, gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result<(), Closed> {
    let _outer = outer;
    let held = gate.lock_in(cx);
    held.on(|g| &g.open).until(is_open).wait(Uninterruptible)
}
