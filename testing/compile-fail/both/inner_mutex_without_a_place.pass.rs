// SPDX-License-Identifier: GPL-2.0

//! The twin of `inner_mutex_without_a_place.fail.rs`: one line apart, and it compiles.

#[path = "array.rs"]
mod shared;
use shared::*;

pub fn both(config: &Config, wrong: &Mutex<Stripes>, right: &SpinLock<Stripes>, cx: &mut MaySleep) {
    let held = config.lock_in(cx);
    let both = held.and(right);
    drop(both);
}
