// SPDX-License-Identifier: GPL-2.0

//! The twin of `locked_twice.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn twice(count: &Mutex<u32>, cx: &mut MaySleep) {
    let _first = count;
    let _second = count.lock_in(cx);
}
