// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: a wait says what it waits for; there is no bare sleep.
//! hazard: f03

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result<(), Closed> {
    let held = gate.lock_in(cx);
    held.on(|g| &g.open).wait(Uninterruptible) //~ E0599
}
