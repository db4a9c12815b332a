// SPDX-License-Identifier: GPL-2.0

//! error: E0382
//! because: the guard is given up for the wait.

#[path = "cache.rs"]
mod shared;
use shared::*;

pub fn own(cache: &Cache, cx: &mut MaySleep) {
    let mut guard = cache.lock_in(cx);
    let (mut again, _node) = guard.wait_unpinned(Interruptible, 0);
    drop(guard.pin(1)); //~ E0382
}
