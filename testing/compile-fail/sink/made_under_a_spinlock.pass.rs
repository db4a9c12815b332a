// SPDX-License-Identifier: GPL-2.0

//! The twin of `made_under_a_spinlock.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod setup;
use setup::*;

pub fn make(lock: &SpinLock<usize>, cx: &mut MaySleep) -> Result<WorkSink<Nothing>> {
    let held = lock.lock();
    let sink = WorkSink::new(cx, c"sink", *held);
    drop(held);
    sink
}
