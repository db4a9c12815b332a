// SPDX-License-Identifier: GPL-2.0

//! The twin of `generation_made_by_hand.fail.rs`: one line apart, and it compiles.

#[path = "worker.rs"]
mod shared;
use shared::*;

pub fn any(array: &Array, run: Run, of: u64, cx: &mut MaySleep) -> Result {
    let state = array.state.lock_in(cx);
    let run = run;
    let (state, result) = state.ended(Uninterruptible, runs, run);
    drop(state);
    result
}
