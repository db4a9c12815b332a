// SPDX-License-Identifier: GPL-2.0

//! The twin of `mutex_under_a_mutex_without_order.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn both(outer: &Mutex<u32>, inner: &Mutex<u32>, other: &SpinLock<u32>, cx: &mut MaySleep) {
    let mut held = outer.lock_in(cx);
    let (_, mut nesting) = held.nested();
    *other.lock_nested(&mut nesting) += 1;
}
