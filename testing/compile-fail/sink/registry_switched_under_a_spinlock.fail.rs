// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: it takes a mutex and the lock of the CPUs.

#[path = "order.rs"]
mod setup;
use setup::*;

pub fn switch(lock: &SpinLock<bool>, cx: &mut MaySleep) {
    let held = lock.lock_in(cx);
    registry::switch(cx, *held); //~ E0499
    drop(held);
}
