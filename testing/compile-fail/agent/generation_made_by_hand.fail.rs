// SPDX-License-Identifier: GPL-2.0

//! error: E0451 E0451
//! because: which run is meant comes from a look under the lock only.

#[path = "worker.rs"]
mod shared;
use shared::*;

pub fn any(array: &Array, run: Run, of: u64, cx: &mut MaySleep) -> Result {
    let state = array.state.lock_in(cx);
    let run = Run { of, ..run }; //~ E0451 E0451
    let (state, result) = state.ended(Uninterruptible, runs, run);
    drop(state);
    result
}
