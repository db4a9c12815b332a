// SPDX-License-Identifier: GPL-2.0

//! The twin of `spinlock_held_while_joining.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn stop(count: &SpinLock<u32>, cx: &mut MaySleep, thread: Thread) {
    let mut held = count.lock_in(cx);
    *held += 1;
    drop(held);
    let _ = thread.join(cx);
}
