// SPDX-License-Identifier: GPL-2.0

//! The twin of `closed_under_a_spinlock.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod setup;
use setup::*;

pub fn end(lock: &SpinLockIrq<u32>, timer: &TimerSink<Nothing>, cx: &mut MaySleep) -> Result {
    let held = lock.lock_in(cx);
    let closed = timer.push(Nothing).map_err(|_| EBUSY);
    drop(held);
    closed
}
