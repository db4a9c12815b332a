// SPDX-License-Identifier: GPL-2.0

//! The twin of `frozen_with_a_lock_held.fail.rs`: one line apart, and it compiles.

use baton::block::{GenDisk, Operations};
use baton::{LockIn, MaySleep};
use kernel::prelude::*;
use kernel::sync::Mutex;

pub fn freeze<T: Operations>(mut disk: GenDisk<T>, lock: &Mutex<u32>, cx: &mut MaySleep) {
    let held = lock.lock_in(cx);
    drop(held);
    let _ = disk.freeze(1000, cx);
}
