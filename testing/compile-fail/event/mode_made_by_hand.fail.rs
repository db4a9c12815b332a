// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: the forms of a wait are those that were proven to give back what was granted.

#[path = "../common.rs"]
mod common;
use common::*;

pub struct Mine;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> bool {
    let held = gate.lock_in(cx);
    held.wait(Mine, |gate| gate.project().open, is_open, ()).is_ok() //~ E0277
}
