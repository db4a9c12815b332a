// SPDX-License-Identifier: GPL-2.0

//! The twin of `begun_under_what_the_gate_takes.fail.rs`: one line apart, and it compiles.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn submit(device: &Device, cx: &mut MaySleep) -> Result<(), DrainError> {
    let mut held = device.config.lock_in(cx);
    let (_, cx) = held.inner();
    let active = device.requests.begin_when_open(cx, Uninterruptible)?;
    active.end();
    Ok(())
}

pub fn freeze(device: &Device, cx: &mut MaySleep) -> Result<(), DrainError> {
    let mut shut = device.requests.shut(cx, Uninterruptible)?;
    *device.cache.lock_in(shut.inner()) += 1;
    Ok(())
}
