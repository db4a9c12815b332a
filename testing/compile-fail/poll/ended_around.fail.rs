// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: the waits of a poll source are ended by the source, which wakes who polls.

#[path = "gate.rs"]
mod gate;
use gate::*;

pub fn reset(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let mut held = gate.lock_in(cx);
    Event::end_waits(held.as_mut().project().open); //~ E0308
}
