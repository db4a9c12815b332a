// SPDX-License-Identifier: GPL-2.0

//! The twin of `plain_lock_under_an_ordered_one.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod shared;
use shared::*;

pub fn both(config: &Config, plain: &Mutex<u32>, other: &mut MaySleep, cx: &mut MaySleep) {
    let mut held = config.lock_in(cx);
    let (_, inner) = held.inner();
    drop(plain.lock_in(other));
}
