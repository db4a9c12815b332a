// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: making a sink allocates memory, and may sleep.

#[path = "order.rs"]
mod setup;
use setup::*;

pub fn make(lock: &SpinLock<usize>, cx: &mut MaySleep) -> Result<WorkSink<Nothing>> {
    let held = lock.lock_in(cx);
    let sink = WorkSink::new(cx, c"sink", *held); //~ E0499
    drop(held);
    sink
}
