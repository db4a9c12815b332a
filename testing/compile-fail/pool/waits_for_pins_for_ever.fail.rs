// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: a pin may be leaked, so a wait for it has to end otherwise too.

#[path = "cache.rs"]
mod shared;
use shared::*;

pub fn own(cache: &Cache, cx: &mut MaySleep) {
    let guard = cache.lock_in(cx);
    let result = guard.wait_unpinned(Uninterruptible, 0); //~ E0277
    drop(result);
}
