// SPDX-License-Identifier: GPL-2.0

//! error: E0716
//! because: what the last expression of a function has made is dropped after the function's variables, and a lock has borrowed one.
//! says: temporary value is freed at the end of this statement
//! says: save the expression's value in a new local variable

// rustc has no hook for this error. `MaySleep::assert()` and rust/README.md have the cure: an entry point
// hands the capability to a function of its own.

#[path = "../common.rs"]
mod common;
use common::*;

fn look(gate: &Mutex<Gate>, cx: &mut MaySleep) -> bool {
    *gate.lock_in(cx).open
}

pub fn entry(gate: &Mutex<Gate>) -> bool {
    let cx = &mut MaySleep::assert(); //~ E0716
    *gate.lock_in(cx).open
}
