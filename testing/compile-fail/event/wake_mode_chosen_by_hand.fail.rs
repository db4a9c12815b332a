// SPDX-License-Identifier: GPL-2.0

//! error: E0061
//! because: who is woken follows from the claims; an update does not say "one" or "all".
//! hazard: f09

#[path = "../common.rs"]
mod common;
use common::*;

pub fn open(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let mut held = gate.lock_in(cx);
    let event = held.as_mut().project().open;
    event.update(|open| *open = true, 1); //~ E0061
}
