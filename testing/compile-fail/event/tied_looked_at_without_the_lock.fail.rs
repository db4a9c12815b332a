// SPDX-License-Identifier: GPL-2.0

//! error: E0614
//! because: without the guard of its lock a tied event cannot be looked at.
//! hazard: f04

#[path = "../common.rs"]
mod common;
use common::*;

pub fn look(lock: &Mutex<u32>, tied: &Tied<bool>, cx: &mut MaySleep) -> Result<bool> {
    let mut held = lock.lock_in(cx);
    let event = held.tied(tied)?;
    Ok(**tied) //~ E0614
}
