// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: it takes a mutex and allocates memory.

#[path = "order.rs"]
mod setup;
use setup::*;

pub fn add<S: Shrink>(lock: &SpinLock<u32>, cache: Arc<S>, cx: &mut MaySleep) {
    let held = lock.lock_in(cx);
    let shrinker = Shrinker::register(cx, c"cache", Seeks::DEFAULT, cache); //~ E0499
    drop(held);
    drop(shrinker);
}
