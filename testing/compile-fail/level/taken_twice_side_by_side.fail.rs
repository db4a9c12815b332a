// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: while the lock is held, the capability that it was taken with is borrowed.
//! hazard: f21

#[path = "order.rs"]
mod shared;
use shared::*;

pub fn twice(a: &Config, b: &Config, cx: &mut MaySleep) {
    let first = a.lock_in(cx);
    let second = b.lock_in(cx); //~ E0499
    drop(first);
}
