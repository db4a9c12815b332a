// SPDX-License-Identifier: GPL-2.0

//! error: E0503
//! because: what is left of the time is not known before the wait has ended.

#[path = "../common.rs"]
mod common;
use baton::event::Mode;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep, jiffies: usize) -> usize {
    let mut left = jiffies;
    let mode = Killable.within(&mut left);
    let seen = left; //~ E0503
    let _ = gate.lock_in(cx).on(|g| &g.open).until(is_open).wait(mode);
    left - seen
}
