// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: others read at the same time.

#[path = "array.rs"]
mod shared;
use shared::*;

pub fn map(space: &RwSemaphore<Space>, cx: &mut MaySleep) {
    let mut held = space.write_in(cx);
    held.as_mut().project().mapped.update(|mapped| *mapped += 1);
    drop(held);
    let mut held = space.read_in(cx);
    held.as_mut().project().mapped.update(|mapped| *mapped += 1); //~ E0599
}
