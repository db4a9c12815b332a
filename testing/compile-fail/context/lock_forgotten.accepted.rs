// SPDX-License-Identifier: GPL-2.0

//! because: `mem::forget` is safe, and ends the borrows of what it takes: the lock stays held, the
//! capability comes back, and the next line waits for oneself.
//! hazard: f20

#[path = "../common.rs"]
mod common;
use common::*;

pub fn twice(count: &Mutex<u32>, cx: &mut MaySleep) {
    core::mem::forget(count.lock_in(cx));
    let _second = count.lock_in(cx);
}
