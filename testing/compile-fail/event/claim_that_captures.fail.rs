// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: a claim that captured a reference could read what another lock guards.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep, limit: &u32) -> Result<u32, Closed> {
    let held = gate.lock_in(cx);
    held.wait(
        Uninterruptible,
        |g| g.project().credits,
        |credits, want| (*credits >= *limit).then_some(*want), //~ E0308
        1,
    )
}
