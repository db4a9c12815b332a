// SPDX-License-Identifier: GPL-2.0

//! The twin of `waited_with_what_the_gate_took.fail.rs`: one line apart, and it compiles.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn freeze(device: &Device, cx: &mut MaySleep) -> Result<(), DrainError> {
    let mut shut = device.requests.shut(cx, Uninterruptible)?;
    let held = device.cache.lock_in(shut.inner());
    let _ = *held;
    drop(held);
    Ok(())
}
