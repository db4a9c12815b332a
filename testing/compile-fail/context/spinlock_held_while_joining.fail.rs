// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: no sleep of any kind in atomic context.
//! hazard: f13

#[path = "../common.rs"]
mod common;
use common::*;

pub fn stop(count: &SpinLock<u32>, cx: &mut MaySleep, thread: Thread) {
    let mut held = count.lock_in(cx);
    *held += 1;
    let _ = thread.join(cx); //~ E0499
}
