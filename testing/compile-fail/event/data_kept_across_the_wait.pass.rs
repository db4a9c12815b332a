// SPDX-License-Identifier: GPL-2.0

//! The twin of `data_kept_across_the_wait.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> bool {
    let held = gate.lock_in(cx);
    let limit = &{ held.limit };
    let _ = held.wait(Uninterruptible, |g| g.project().open, is_open, ());
    *limit == 0
}
