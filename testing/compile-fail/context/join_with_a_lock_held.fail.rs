// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: the thread may need the lock before it can finish.
//! hazard: f13

#[path = "../common.rs"]
mod common;
use common::*;

pub fn stop(gate: &Mutex<Gate>, cx: &mut MaySleep, thread: Thread) {
    let held = gate.lock_in(cx);
    let _ = thread.join(cx); //~ E0499
}
