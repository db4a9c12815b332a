// SPDX-License-Identifier: GPL-2.0

//! The twin of `tied_kept_beyond_the_guard.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn update(lock: &Mutex<u32>, tied: &Tied<bool>, cx: &mut MaySleep) -> Result {
    let mut held = lock.lock_in(cx);
    let event = held.tied(tied)?;
    drop(());
    event.update(|open| *open = true);
    Ok(())
}
