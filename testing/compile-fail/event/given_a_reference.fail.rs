// SPDX-License-Identifier: GPL-2.0

//! error: E0521
//! because: whoever serves the wait could use it when the borrow has ended.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(gate: &Mutex<Gate>, cx: &mut MaySleep, limit: &u32) -> Result {
    let gift = limit;
    let on = gate.lock_in(cx).on(|g| &g.credits);
    let on = on.give(gift); //~ E0521
    let wait = on.when(|c| *c > 0, |c, gift| *c = gift.take().clone());
    wait.wait(Uninterruptible)?;
    Ok(())
}
