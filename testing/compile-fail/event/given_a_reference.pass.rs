// SPDX-License-Identifier: GPL-2.0

//! The twin of `given_a_reference.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep, limit: &u32) -> Result {
    let gift = *limit;
    let on = gate.lock_in(cx).on(|g| &g.credits);
    let on = on.give(gift);
    let wait = on.when(|c| *c > 0, |c, gift| *c = gift.take().clone());
    wait.wait(Uninterruptible)?;
    Ok(())
}
