// SPDX-License-Identifier: GPL-2.0

//! The twin of `shrinker_registered_under_a_spinlock.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod setup;
use setup::*;

pub fn add<S: Shrink>(lock: &SpinLock<u32>, cache: Arc<S>, cx: &mut MaySleep) {
    let held = lock.lock_in(cx);
    let shrinker = Seeks::new(*held).map(|_| cache);
    drop(held);
    drop(shrinker);
}
