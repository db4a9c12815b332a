// SPDX-License-Identifier: GPL-2.0

//! The twin of `join_with_a_lock_held.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn stop(gate: &Mutex<Gate>, cx: &mut MaySleep, thread: Thread) {
    let held = gate.lock_in(cx);
    drop(held);
    let _ = thread.join(cx);
}
