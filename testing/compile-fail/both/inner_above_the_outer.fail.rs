// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: the inner lock does not stand below the outer one.

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
    let both = held.and(wrong); //~ E0277
    drop(both);
}
