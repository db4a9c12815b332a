// SPDX-License-Identifier: GPL-2.0

//! The twin of `taken_twice_side_by_side.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod shared;
use shared::*;

pub fn twice(a: &Config, b: &Config, cx: &mut MaySleep) {
    let first = ();
    let second = b.lock_in(cx);
    drop(first);
}
