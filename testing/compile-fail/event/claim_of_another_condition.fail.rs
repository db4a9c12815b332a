// SPDX-License-Identifier: GPL-2.0

//! error: E0599 E0631
//! because: every waiter of an event brings a claim on that event's data.
//! hazard: f09

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result<(), Closed> {
    let held = gate.lock_in(cx);
    held.on(|g| &g.credits).until(is_open).wait(Uninterruptible) //~ E0599 E0631
}
