// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: the forms of a wait are those that were proven to give back what was granted.

#[path = "../common.rs"]
mod common;
use common::*;

pub struct Mine;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let held = gate.lock_in(cx);
    let _ = held.on(|g| &g.open).until(is_open).wait(Mine); //~ E0277
}
