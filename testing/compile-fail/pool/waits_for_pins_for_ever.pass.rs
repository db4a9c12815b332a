// SPDX-License-Identifier: GPL-2.0

//! The twin of `waits_for_pins_for_ever.fail.rs`: one line apart, and it compiles.

#[path = "cache.rs"]
mod shared;
use shared::*;

pub fn own(cache: &Cache, cx: &mut MaySleep) {
    let guard = cache.lock_in(cx);
    let result = guard.wait_unpinned(Interruptible, 0);
    drop(result);
}
