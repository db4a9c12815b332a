// SPDX-License-Identifier: GPL-2.0

//! The twin of `tied_gone_before_the_wait.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(lock: &Mutex<u32>, tied: Pin<KBox<Tied<bool>>>, cx: &mut MaySleep) -> Result {
    let on = lock.lock_in(cx).on_tied(&tied)?;
    drop(());
    Ok(on.until(is_open).wait(Uninterruptible)?)
}
