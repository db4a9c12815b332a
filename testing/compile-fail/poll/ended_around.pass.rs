// SPDX-License-Identifier: GPL-2.0

//! The twin of `ended_around.fail.rs`: one line apart, and it compiles.

#[path = "gate.rs"]
mod gate;
use gate::*;

pub fn reset(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let mut held = gate.lock_in(cx);
    Source::end_waits(held.as_mut().project().open);
}
