// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: it sleeps until the timer is done, which may take the lock.

#[path = "order.rs"]
mod setup;
use setup::*;

pub fn end(lock: &SpinLockIrq<u32>, timer: &TimerSink<Nothing>, cx: &mut MaySleep) -> Result {
    let held = lock.lock_in(cx);
    let closed = timer.close(cx); //~ E0499
    drop(held);
    closed
}
