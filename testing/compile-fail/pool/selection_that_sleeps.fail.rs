// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: what selects runs under the pool's lock; it is `Send`, so that it captures no capability.

#[path = "cache.rs"]
mod shared;
use shared::*;

use baton::LockIn;
use kernel::sync::Mutex;

pub fn pick(cache: &Cache, cx: &mut MaySleep, other: &mut MaySleep, lock: &Mutex<u32>) -> bool {
    let _ = (&other, lock);
    let mut wanted = || *lock.lock_in(other) == 0;
    let node = cache.lock_in(cx).try_exclusive_oldest(|_| wanted()); //~ E0277
    node.is_some()
}
