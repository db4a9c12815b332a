// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: a lock that this task holds cannot be taken again through the same capability.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn twice(count: &Mutex<u32>, cx: &mut MaySleep) {
    let _first = count.lock_in(cx);
    let _second = count.lock_in(cx); //~ E0499
}
