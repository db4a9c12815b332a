// SPDX-License-Identifier: GPL-2.0

//! The twin of `signal_before_claim.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep) -> Result {
    let held = gate.lock_in(cx);
    let got = held.on(|g| &g.credits).claim(take(1)).wait(Interruptible);
    if got == Err(WaitError::Signal) {
        return Err(ERESTARTSYS);
    }
    Ok(())
}
