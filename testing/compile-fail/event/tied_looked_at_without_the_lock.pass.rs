// SPDX-License-Identifier: GPL-2.0

//! The twin of `tied_looked_at_without_the_lock.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn look(lock: &Mutex<u32>, tied: &Tied<bool>, cx: &mut MaySleep) -> Result<bool> {
    let mut held = lock.lock_in(cx);
    let event = held.tied(tied)?;
    Ok(**event)
}
