// SPDX-License-Identifier: GPL-2.0

//! The twin of `time_left_looked_at_before_the_wait.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use baton::event::Mode;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep, jiffies: usize) -> usize {
    let mut left = jiffies;
    let mode = Killable.within(&mut left);
    let seen = jiffies;
    let _ = gate.lock_in(cx).on(|g| &g.open).until(is_open).wait(mode);
    left - seen
}
