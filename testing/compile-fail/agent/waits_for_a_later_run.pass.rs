// SPDX-License-Identifier: GPL-2.0

//! The twin of `waits_for_a_later_run.fail.rs`: one line apart, and it compiles.

#[path = "worker.rs"]
mod shared;
use shared::*;

pub fn twice(array: &Array, run: Run, other: Run, cx: &mut MaySleep) -> Result {
    let state = array.state.lock_in(cx);
    let (state, first) = state.ended(Uninterruptible, runs, run);
    first?;
    let (state, second) = state.ended(Uninterruptible, runs, other);
    drop(state);
    second
}
