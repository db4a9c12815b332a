// SPDX-License-Identifier: GPL-2.0

//! The twin of `two_spinlocks_nested.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn both(outer: &Mutex<u32>, a: &SpinLock<u32>, b: &SpinLock<u32>, cx: &mut MaySleep) {
    let mut held = outer.lock_in(cx);
    let (_, mut nesting) = held.nested();
    let mut first = a.lock_nested(&mut nesting);
    *first += 1;
    *first += 1;
}
