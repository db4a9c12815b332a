// SPDX-License-Identifier: GPL-2.0

//! error: E0505
//! because: a pin borrows the pool.

#[path = "cache.rs"]
mod shared;
use shared::*;

pub fn end(cache: Pin<KBox<Cache>>, cx: &mut MaySleep) {
    let pin = cache.lock_in(cx).pin(0);
    drop(cache); //~ E0505
    drop(pin);
}
