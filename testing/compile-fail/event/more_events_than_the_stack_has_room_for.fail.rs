// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: the entries are on the stack of the kernel; a `Group` has room for more.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result {
    let on = gate.lock_in(cx).on_any(|g| [&g.open; 9]); //~ E0277
    on.until(is_open).wait(Killable)?;
    Ok(())
}
