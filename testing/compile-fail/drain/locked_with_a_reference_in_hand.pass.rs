// SPDX-License-Identifier: GPL-2.0

//! The twin of `locked_with_a_reference_in_hand.fail.rs`: one line apart, and it compiles.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn change(device: &Device, cx: &mut MaySleep) -> Result<(), DrainError> {
    let mut config = device.config.lock_in(cx);
    let (_, cx) = config.inner();
    let mut shut = device.requests.shut(cx, Uninterruptible)?;
    shut.wait(Uninterruptible)
}

pub fn request(device: &Device, cx: &mut MaySleep) -> Result<(), DrainError> {
    let mut active = device.requests.begin(cx)?;
    *device.cache.lock_in(active.inner()) += 1;
    Ok(())
}
