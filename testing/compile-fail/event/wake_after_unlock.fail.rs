// SPDX-License-Identifier: GPL-2.0

//! error: E0505
//! because: an update needs the guard, so nobody can wake after it has unlocked.
//! hazard: f01

#[path = "../common.rs"]
mod common;
use common::*;

pub fn open(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let mut held = gate.lock_in(cx);
    let event = held.as_mut().project().open;
    drop(held); //~ E0505
    event.update(|open| *open = true);
}
