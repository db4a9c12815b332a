// SPDX-License-Identifier: GPL-2.0

//! The twin of `updated_around.fail.rs`: one line apart, and it compiles.

#[path = "gate.rs"]
mod gate;
use gate::*;

pub fn open(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let mut held = gate.lock_in(cx);
    held.as_mut().project().open.update(|open| *open = true);
}
