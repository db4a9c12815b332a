// SPDX-License-Identifier: GPL-2.0

//! The twin of `swapped_through_the_inner_guard.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn swap(a: &Mutex<u32>, b: &SpinLock<Gate>, other: &mut Gate, cx: &mut MaySleep) {
    let mut held = a.lock_in(cx);
    let (_, mut nesting) = held.nested();
    let mut inner = b.lock_nested(&mut nesting);
    core::mem::swap(inner.as_mut().project().limit, &mut other.limit);
}
