// SPDX-License-Identifier: GPL-2.0

//! The twin of `more_events_than_the_stack_has_room_for.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result {
    let on = gate.lock_in(cx).on_any(|g| [&g.open; 8]);
    on.until(is_open).wait(Killable)?;
    Ok(())
}
