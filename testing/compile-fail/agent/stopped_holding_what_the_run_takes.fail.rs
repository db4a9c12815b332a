// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: a run takes the configuration, which is held while its end is waited for.
//! hazard: f11

#[path = "worker.rs"]
mod shared;
use shared::*;

pub fn idle(array: &Array, cx: &mut MaySleep) -> Result {
    let mut held = array.config.lock_in(cx);
    let (_, cx) = held.inner();
    let state = array.state.lock_in(cx);
    let (state, result) = state.stop(Uninterruptible, runs); //~ E0277
    drop(state);
    result
}
