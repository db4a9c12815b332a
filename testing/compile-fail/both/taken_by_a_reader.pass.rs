// SPDX-License-Identifier: GPL-2.0

//! The twin of `taken_by_a_reader.fail.rs`: one line apart, and it compiles.

#[path = "array.rs"]
mod shared;
use shared::*;

pub fn take(space: &RwSemaphore<Space>, cx: &mut MaySleep) -> Result {
    let held = space.write_in(cx);
    held.on(|space| &space.mapped)
        .when(|mapped| *mapped > 0, |mapped| *mapped -= 1)
        .wait(Killable)?;
    Ok(())
}
