// SPDX-License-Identifier: GPL-2.0

//! The twin of `frozen_with_a_lock_held.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod shared;
use shared::*;

pub fn step(config: &Config, cx: &mut MaySleep) {
    let mut held = config.lock_in(cx);
    let (_, inner) = held.inner();
    let _: &mut MaySleep<order::Config> = inner;
}
