// SPDX-License-Identifier: GPL-2.0

//! The twin of `stopped_holding_what_the_run_takes.fail.rs`: one line apart, and it compiles.

#[path = "worker.rs"]
mod shared;
use shared::*;

pub fn idle(array: &Array, cx: &mut MaySleep) -> Result {
    let mut held = array.admin.lock_in(cx);
    let (_, cx) = held.inner();
    let state = array.state.lock_in(cx);
    let (state, result) = state.stop(Uninterruptible, runs);
    drop(state);
    result
}
