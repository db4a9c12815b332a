// SPDX-License-Identifier: GPL-2.0

//! error: E0596
//! because: waiters point to their event; a guard does not hand out what is pinned, so it cannot be swapped.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn swap(a: &Mutex<Gate>, other: &mut Gate, cx: &mut MaySleep) {
    let mut held = a.lock_in(cx);
    core::mem::swap(&mut *held, other); //~ E0596
}
