// SPDX-License-Identifier: GPL-2.0

//! error: E0505
//! because: a tied event is reached with the guard of its lock only.
//! hazard: f01

#[path = "../common.rs"]
mod common;
use common::*;

pub fn update(lock: &Mutex<u32>, tied: &Tied<bool>, cx: &mut MaySleep) -> Result {
    let mut held = lock.lock_in(cx);
    let event = held.tied(tied)?;
    drop(held); //~ E0505
    event.update(|open| *open = true);
    Ok(())
}
