// SPDX-License-Identifier: GPL-2.0

//! The twin of `inner_above_the_outer.fail.rs`: one line apart, and it compiles.

#[path = "array.rs"]
mod shared;
use shared::*;

pub fn both(
    config: &Config,
    wrong: &Ordered<order::Above, SpinLock<Stripes>>,
    right: &Inner,
    cx: &mut MaySleep,
) {
    let held = config.lock_in(cx);
    let both = held.and(right);
    drop(both);
}
