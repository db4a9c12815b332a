// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: who submits a request holds this lock, and waits at the gate: freeze and lock, lock and submit.

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
    *device.config.lock_in(shut.inner()) += 1; //~ E0277
    Ok(())
}
