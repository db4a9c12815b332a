// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: every waiter of an event brings a claim on that event's data.
//! hazard: f09

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result<(), Closed> {
    let held = gate.lock_in(cx);
    held.wait(Uninterruptible, |g| g.project().credits, is_open, ()) //~ E0308
}
