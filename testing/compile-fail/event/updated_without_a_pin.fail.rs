// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: an event changes by way of a pinned reference: tasks that wait for it have its address.
//! says: an event is changed by way of a pinned reference to it
//! says: reach it by `held.as_mut().project()`
//! says not: pin!

#[path = "../common.rs"]
mod common;
use common::*;

pub fn give(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let mut held = gate.lock_in(cx);
    held.credits.update(|credits| *credits += 1); //~ E0599
}
