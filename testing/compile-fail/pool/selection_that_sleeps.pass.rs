// SPDX-License-Identifier: GPL-2.0

//! The twin of `selection_that_sleeps.fail.rs`: one line apart, and it compiles.

#[path = "cache.rs"]
mod shared;
use shared::*;

use baton::LockIn;
use kernel::sync::Mutex;

pub fn pick(cache: &Cache, cx: &mut MaySleep, other: &mut MaySleep, lock: &Mutex<u32>) -> bool {
    let _ = (&other, lock);
    let mut wanted = || true;
    let node = cache.lock_in(cx).try_exclusive_oldest(|_| wanted());
    node.is_some()
}
