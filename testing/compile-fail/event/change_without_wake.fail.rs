// SPDX-License-Identifier: GPL-2.0

//! error: E0594
//! because: the data changes through update() only, which considers the waiters.
//! hazard: f02

#[path = "../common.rs"]
mod common;
use common::*;

pub fn open(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let mut held = gate.lock_in(cx);
    **held.as_mut().project().open = true; //~ E0594
}
