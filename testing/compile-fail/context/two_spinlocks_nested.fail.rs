// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: a nested spinlock is the last lock that is taken: two could be taken in both orders.
//! hazard: f21

#[path = "../common.rs"]
mod common;
use common::*;

pub fn both(outer: &Mutex<u32>, a: &SpinLock<u32>, b: &SpinLock<u32>, cx: &mut MaySleep) {
    let mut held = outer.lock_in(cx);
    let (_, mut nesting) = held.nested();
    let mut first = a.lock_nested(&mut nesting);
    *b.lock_nested(&mut nesting) += 1; //~ E0499
    *first += 1;
}
