// SPDX-License-Identifier: GPL-2.0

//! error: E0596
//! because: waiters point to where it is.

#[path = "array.rs"]
mod shared;
use shared::*;

pub fn swap(space: &RwSemaphore<Space>, number: &RwSemaphore<u32>, cx: &mut MaySleep) {
    let mut held = space.write_in(cx);
    let _ = &mut *held; //~ E0596
}
