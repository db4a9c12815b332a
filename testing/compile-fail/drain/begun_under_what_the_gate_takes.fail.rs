// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: who has shut the gate takes this lock, and waits for who begins with it held.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn submit(device: &Device, cx: &mut MaySleep) -> Result<(), DrainError> {
    let mut held = device.cache.lock_in(cx);
    let (_, cx) = held.inner();
    let active = device.requests.begin_when_open(cx, Uninterruptible)?; //~ E0277
    active.end();
    Ok(())
}

pub fn freeze(device: &Device, cx: &mut MaySleep) -> Result<(), DrainError> {
    let mut shut = device.requests.shut(cx, Uninterruptible)?;
    *device.cache.lock_in(shut.inner()) += 1;
    Ok(())
}
