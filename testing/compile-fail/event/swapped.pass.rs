// SPDX-License-Identifier: GPL-2.0

//! The twin of `swapped.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn swap(a: &Mutex<Gate>, b: &SpinLock<Gate>, cx: &mut MaySleep) {
    let mut first = a.lock_in(cx);
    let (one, mut nesting) = first.nested();
    let mut second = b.lock_nested(&mut nesting);
    let two = second.as_mut();
    core::mem::swap(one.project().limit, two.project().limit);
}
