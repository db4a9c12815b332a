// SPDX-License-Identifier: GPL-2.0

//! error: E0382
//! because: a run that was waited for is used up: the next one has to be looked at first.

#[path = "worker.rs"]
mod shared;
use shared::*;

pub fn twice(array: &Array, run: Run, other: Run, cx: &mut MaySleep) -> Result {
    let state = array.state.lock_in(cx);
    let (state, first) = state.ended(Uninterruptible, runs, run);
    first?;
    let (state, second) = state.ended(Uninterruptible, runs, run); //~ E0382
    drop(state);
    second
}
