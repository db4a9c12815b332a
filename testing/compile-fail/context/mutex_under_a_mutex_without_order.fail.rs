// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: two locks that sleep nest in the order of their levels only: two tasks could take them in both orders.
//! hazard: f21

#[path = "../common.rs"]
mod common;
use common::*;

pub fn both(outer: &Mutex<u32>, inner: &Mutex<u32>, other: &SpinLock<u32>, cx: &mut MaySleep) {
    let mut held = outer.lock_in(cx);
    let (_, mut nesting) = held.nested();
    *inner.lock_nested(&mut nesting) += 1; //~ E0599
}
