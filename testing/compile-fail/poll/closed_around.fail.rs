// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: the event of a poll source is closed by the source, which tells who polls to hang up.

#[path = "gate.rs"]
mod gate;
use gate::*;

pub fn open(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let mut held = gate.lock_in(cx);
    Event::close(held.as_mut().project().open); //~ E0308
}
