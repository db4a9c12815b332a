// SPDX-License-Identifier: GPL-2.0

//! The twin of `tail_keeps_the_lock.fail.rs`: one line apart, and it compiles.

// rustc has no hook for this error. `MaySleep::assert()` and rust/README.md have the cure: an entry point
// hands the capability to a function of its own.

#[path = "../common.rs"]
mod common;
use common::*;

fn look(gate: &Mutex<Gate>, cx: &mut MaySleep) -> bool {
    *gate.lock_in(cx).open
}

pub fn entry(gate: &Mutex<Gate>) -> bool {
    let cx = &mut MaySleep::assert();
    look(gate, cx)
}
