// SPDX-License-Identifier: GPL-2.0

//! error: E0382
//! because: the wait consumes the guard: nothing is held meanwhile.

#[path = "worker.rs"]
mod shared;
use shared::*;

pub fn idle(array: &Array, cx: &mut MaySleep) {
    let state = array.state.lock_in(cx);
    let (again, _) = state.stop(Uninterruptible, runs);
    drop(again);
    drop(state); //~ E0382
}
