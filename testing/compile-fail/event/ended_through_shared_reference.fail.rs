// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: reading under the lock is not the right to end the waits of others.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn reset(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let mut held = gate.lock_in(cx);
    held.open.end_waits(); //~ E0599
}
