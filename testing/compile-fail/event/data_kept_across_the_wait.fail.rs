// SPDX-License-Identifier: GPL-2.0

//! error: E0505
//! because: nothing that was borrowed from the guard survives the sleep.
//! hazard: f16

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> bool {
    let held = gate.lock_in(cx);
    let limit = &held.limit;
    let _ = held.on(|g| &g.open).until(is_open).wait(Uninterruptible); //~ E0505
    *limit == 0
}
