// SPDX-License-Identifier: GPL-2.0

//! The twin of `locked_in_the_gate.fail.rs`: one line apart, and it compiles.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn submit(device: &Device, cx: &mut MaySleep) -> Result<(), DrainError> {
    let mut config = device.config.lock_in(cx);
    let (_, cx) = config.inner();
    device.requests.begin_when_open(cx, Uninterruptible)?.end();
    Ok(())
}

pub fn freeze(device: &Device, cx: &mut MaySleep) -> Result<(), DrainError> {
    let mut shut = device.requests.shut(cx, Uninterruptible)?;
    shut.wait(Uninterruptible)?;
    *device.cache.lock_in(shut.inner()) += 1;
    Ok(())
}
