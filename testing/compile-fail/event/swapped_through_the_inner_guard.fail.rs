// SPDX-License-Identifier: GPL-2.0

//! error: E0596
//! because: waiters point to their event; a guard does not hand out what is pinned, so it cannot be swapped.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn swap(a: &Mutex<u32>, b: &SpinLock<Gate>, other: &mut Gate, cx: &mut MaySleep) {
    let mut held = a.lock_in(cx);
    let (_, mut nesting) = held.nested();
    let mut inner = b.lock_nested(&mut nesting);
    core::mem::swap(&mut *inner, other); //~ E0596
}
