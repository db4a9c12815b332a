// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: an interruptible wait can end without the resource, and its type says so.
//! hazard: f10

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result<u32, Closed> {
    let held = gate.lock_in(cx);
    held.on(|g| &g.credits).claim(take(1)).wait(Interruptible) //~ E0308
}
