// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: a wait ends with the resource or with the reason; no flag says "signal" beside a grant.
//! hazard: f10

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result {
    let held = gate.lock_in(cx);
    let got = held.on(|g| &g.credits).claim(take(1)).wait(Interruptible);
    if got {
        //~^ E0308
        return Err(ERESTARTSYS);
    }
    Ok(())
}
