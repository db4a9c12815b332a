// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: the event of a poll source changes through the source only, which wakes who polls.

#[path = "gate.rs"]
mod gate;
use gate::*;

pub fn open(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let mut held = gate.lock_in(cx);
    held.update(|gate| gate.project().open, |open| **open = true); //~ E0308
}
