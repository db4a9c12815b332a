// SPDX-License-Identifier: GPL-2.0

//! The twin of `data_kept_across_the_wait.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> bool {
    let held = gate.lock_in(cx);
    let limit = &{ held.limit };
    let _ = held.on(|g| &g.open).until(is_open).wait(Uninterruptible);
    *limit == 0
}
