// SPDX-License-Identifier: GPL-2.0

//! The twin of `moved_out_of_a_semaphore.fail.rs`: one line apart, and it compiles.

#[path = "array.rs"]
mod shared;
use shared::*;

pub fn swap(space: &RwSemaphore<Space>, number: &RwSemaphore<u32>, cx: &mut MaySleep) {
    let mut held = number.write_in(cx);
    let _ = &mut *held;
}
