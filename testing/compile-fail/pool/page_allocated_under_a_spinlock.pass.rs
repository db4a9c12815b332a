// SPDX-License-Identifier: GPL-2.0

//! The twin of `page_allocated_under_a_spinlock.fail.rs`: one line apart, and it compiles.

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
    let page = pool.borrow(0);
    drop(held);
    let _ = page;
}
