// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: the selector sees the data by a shared reference: it cannot serve, close or replace an event.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result<(), WaitError> {
    let held = gate.lock_in(cx);
    held.on(|g| {
        g.project().open.update(|open| *open = true); //~ E0599
        &g.open
    })
    .until(is_open)
    .wait(Interruptible)
}
