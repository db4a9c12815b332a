// SPDX-License-Identifier: GPL-2.0

//! error: unused_must_use
//! because: what was claimed is returned once; to throw it away is to lose it.
//! hazard: f10

#[path = "../common.rs"]
mod common;
use common::*;

#[deny(unused_must_use)]
pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) {
    let held = gate.lock_in(cx);
    held.on(|g| &g.credits).claim(take(1)).wait(Interruptible); //~ unused_must_use
}
