// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: reading under the lock is not the right to change.
//! hazard: f02

#[path = "../common.rs"]
mod common;
use common::*;

pub fn open(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let mut held = gate.lock_in(cx);
    held.open.update(|open| *open = true); //~ E0599
}
