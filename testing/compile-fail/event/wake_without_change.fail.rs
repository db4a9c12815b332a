// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: there is no wake call that could be forgotten, misplaced or aimed at the wrong queue.
//! hazard: f01 f02

#[path = "../common.rs"]
mod common;
use common::*;

pub fn open(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let mut held = gate.lock_in(cx);
    let event = held.as_mut().project().open;
    event.notify_one(); //~ E0599
}
