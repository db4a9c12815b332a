// SPDX-License-Identifier: GPL-2.0

//! The twin of `guard_used_after_the_wait.fail.rs`: one line apart, and it compiles.

#[path = "cache.rs"]
mod shared;
use shared::*;

pub fn own(cache: &Cache, cx: &mut MaySleep) {
    let mut guard = cache.lock_in(cx);
    let (mut again, _node) = guard.wait_unpinned(Interruptible, 0);
    drop(again.pin(1));
}
