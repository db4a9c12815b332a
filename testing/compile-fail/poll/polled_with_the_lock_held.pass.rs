// SPDX-License-Identifier: GPL-2.0

//! The twin of `polled_with_the_lock_held.fail.rs`: one line apart, and it compiles.

#[path = "gate.rs"]
mod gate;
use gate::*;

pub fn poll(gate: &Mutex<Gate>, cx: &mut MaySleep, table: &Table<'_>) -> Mask {
    let held = gate.lock_in(cx);
    let mask = ready(&held.open);
    drop(held);
    mask
}
