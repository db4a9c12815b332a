// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: getting a page may sleep.

#[path = "cache.rs"]
mod shared;
use shared::*;

use baton::{
    block::PagePool,
    LockIn, //
};
use kernel::sync::SpinLock;

pub fn page(lock: &SpinLock<u32>, pool: &PagePool, cx: &mut MaySleep) {
    let held = lock.lock_in(cx);
    let page = pool.alloc(cx); //~ E0499
    drop(held);
    let _ = page;
}
