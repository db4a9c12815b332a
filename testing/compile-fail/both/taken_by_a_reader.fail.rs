// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: others read at the same time.

#[path = "array.rs"]
mod shared;
use shared::*;

pub fn take(space: &RwSemaphore<Space>, cx: &mut MaySleep) -> Result {
    let held = space.read_in(cx);
    held.on(|space| &space.mapped)
        .when(|mapped| *mapped > 0, |mapped| *mapped -= 1) //~ E0599
        .wait(Killable)?;
    Ok(())
}
