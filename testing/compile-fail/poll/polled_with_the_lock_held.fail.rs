// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: who asks is registered before the lock is taken, so the lock cannot be held meanwhile.

#[path = "gate.rs"]
mod gate;
use gate::*;

pub fn poll(gate: &Mutex<Gate>, cx: &mut MaySleep, table: &Table<'_>) -> Mask {
    let held = gate.lock_in(cx);
    let mask = table.watch(cx, gate, |gate| &gate.open, ready); //~ E0499
    drop(held);
    mask
}
