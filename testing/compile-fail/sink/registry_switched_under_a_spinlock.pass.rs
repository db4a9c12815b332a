// SPDX-License-Identifier: GPL-2.0

//! The twin of `registry_switched_under_a_spinlock.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod setup;
use setup::*;

pub fn switch(lock: &SpinLock<bool>, cx: &mut MaySleep) {
    let held = lock.lock_in(cx);
    let _ = registry::is_on() == *held;
    drop(held);
}
