// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: who has a reference may take this lock, and could not end it.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn freeze(device: &Device, cx: &mut MaySleep) -> Result<(), DrainError> {
    let mut shut = device.requests.shut(cx, Uninterruptible)?;
    let held = device.cache.lock_in(shut.inner());
    shut.wait(Uninterruptible)?; //~ E0499
    drop(held);
    Ok(())
}
