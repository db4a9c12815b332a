// SPDX-License-Identifier: GPL-2.0

//! The twin of `swapped_through_the_guard.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn swap(a: &Mutex<Gate>, other: &mut Gate, cx: &mut MaySleep) {
    let mut held = a.lock_in(cx);
    core::mem::swap(held.as_mut().project().limit, &mut other.limit);
}
