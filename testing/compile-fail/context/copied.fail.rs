// SPDX-License-Identifier: GPL-2.0

//! error: E0507
//! because: two capabilities would be two tasks' worth of sleeping.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let mut copy = *cx; //~ E0507
    drop(gate.lock_in(&mut copy));
}
