// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: one claim is for all of them; events of different kinds are named one by one, with `or`.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result {
    let on = gate.lock_in(cx).on_any(|g| [&g.open, &g.credits]); //~ E0308
    on.until(|_| true).wait(Killable)?;
    Ok(())
}
