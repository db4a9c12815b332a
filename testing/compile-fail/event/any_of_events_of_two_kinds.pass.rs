// SPDX-License-Identifier: GPL-2.0

//! The twin of `any_of_events_of_two_kinds.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result {
    let on = gate.lock_in(cx).on_any(|g| [&g.open, &g.open]);
    on.until(|_| true).wait(Killable)?;
    Ok(())
}
