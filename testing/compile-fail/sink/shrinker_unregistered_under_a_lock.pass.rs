// SPDX-License-Identifier: GPL-2.0

//! The twin of `shrinker_unregistered_under_a_lock.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod setup;
use setup::*;

pub fn end<S: Shrink>(shrinker: Shrinker<S>, totals: &Totals, cx: &mut MaySleep) {
    let mut held = totals.lock_in(cx);
    let (_, cx) = held.inner();
    let _ = (shrinker, cx);
}
