// SPDX-License-Identifier: GPL-2.0

//! The twin of `updated_by_a_reader.fail.rs`: one line apart, and it compiles.

#[path = "array.rs"]
mod shared;
use shared::*;

pub fn map(space: &RwSemaphore<Space>, cx: &mut MaySleep) {
    let mut held = space.write_in(cx);
    held.as_mut().project().mapped.update(|mapped| *mapped += 1);
    drop(held);
    let mut held = space.write_in(cx);
    held.as_mut().project().mapped.update(|mapped| *mapped += 1);
}
