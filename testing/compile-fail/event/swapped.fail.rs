// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: waiters point to their event; pinned events cannot change places.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn swap(a: &Mutex<Gate>, b: &SpinLock<Gate>, cx: &mut MaySleep) {
    let mut first = a.lock_in(cx);
    let (one, mut nesting) = first.nested();
    let mut second = b.lock_nested(&mut nesting);
    let two = second.as_mut();
    core::mem::swap(one.get_mut(), two.get_mut()); //~ E0277
}
