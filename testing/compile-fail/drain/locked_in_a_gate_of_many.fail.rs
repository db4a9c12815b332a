// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: who submits a request holds this lock, and waits at the gate, whoever else has it shut.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn freeze(device: &Device, cx: &mut MaySleep) -> Result<(), DrainError> {
    let mut shut = device.requests.shut_nested(cx, Uninterruptible)?;
    shut.wait(Uninterruptible)?;
    *device.config.lock_in(shut.inner()) += 1; //~ E0277
    Ok(())
}
