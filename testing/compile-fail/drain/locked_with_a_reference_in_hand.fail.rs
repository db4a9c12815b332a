// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: who waits for the drain holds this lock: what a request takes stands below it.

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
    *device.config.lock_in(active.inner()) += 1; //~ E0277
    Ok(())
}
