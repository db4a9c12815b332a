// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: a disk waits for its requests, and one of them may need the lock.

use baton::block::{GenDisk, Operations};
use baton::{LockIn, MaySleep};
use kernel::prelude::*;
use kernel::sync::Mutex;

pub fn remove<T: Operations>(disk: GenDisk<T>, lock: &Mutex<u32>, cx: &mut MaySleep) {
    let held = lock.lock_in(cx);
    let _ = disk.remove(cx); //~ E0499
}
