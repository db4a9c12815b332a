// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: a scan may run in a task that waits for the lock.

#[path = "order.rs"]
mod setup;
use setup::*;

pub fn end<S: Shrink>(shrinker: Shrinker<S>, totals: &Totals, cx: &mut MaySleep) {
    let mut held = totals.lock_in(cx);
    let (_, cx) = held.inner();
    let _ = shrinker.unregister(cx); //~ E0277
}
