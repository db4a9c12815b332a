// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: an event outside of a lock can be reached by two tasks that hold nothing in common.
//! hazard: f04

#[path = "../common.rs"]
mod common;
use common::*;

pub fn share(cx: &mut MaySleep, gate: Arc<Gate>) -> Result<Thread> {
    Thread::spawn(cx, c"opener", move |_, _| drop(gate)) //~ E0277
}
