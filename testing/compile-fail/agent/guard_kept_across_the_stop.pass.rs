// SPDX-License-Identifier: GPL-2.0

//! The twin of `guard_kept_across_the_stop.fail.rs`: one line apart, and it compiles.

#[path = "worker.rs"]
mod shared;
use shared::*;

pub fn idle(array: &Array, cx: &mut MaySleep) {
    let state = array.state.lock_in(cx);
    let (again, _) = state.stop(Uninterruptible, runs);
    drop(again);
    drop(());
}
