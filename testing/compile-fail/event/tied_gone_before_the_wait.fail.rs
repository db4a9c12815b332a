// SPDX-License-Identifier: GPL-2.0

//! error: E0505
//! because: whoever waits for a tied event keeps its object.
//! hazard: f16

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(lock: &Mutex<u32>, tied: Pin<KBox<Tied<bool>>>, cx: &mut MaySleep) -> Result {
    let on = lock.lock_in(cx).on_tied(&tied)?;
    drop(tied); //~ E0505
    Ok(on.until(is_open).wait(Uninterruptible)?)
}
