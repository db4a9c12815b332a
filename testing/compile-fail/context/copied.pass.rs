// SPDX-License-Identifier: GPL-2.0

//! The twin of `copied.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let mut copy = cx;
    drop(gate.lock_in(&mut copy));
}
