// SPDX-License-Identifier: GPL-2.0

//! The twin of `pin_outlives_the_pool.fail.rs`: one line apart, and it compiles.

#[path = "cache.rs"]
mod shared;
use shared::*;

pub fn end(cache: Pin<KBox<Cache>>, cx: &mut MaySleep) {
    let pin = cache.lock_in(cx).pin(0);
    drop(cache.len());
    drop(pin);
}
