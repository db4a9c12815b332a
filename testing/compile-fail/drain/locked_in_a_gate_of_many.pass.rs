// SPDX-License-Identifier: GPL-2.0

//! The twin of `locked_in_a_gate_of_many.fail.rs`: one line apart, and it compiles.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn freeze(device: &Device, cx: &mut MaySleep) -> Result<(), DrainError> {
    let mut shut = device.requests.shut_nested(cx, Uninterruptible)?;
    shut.wait(Uninterruptible)?;
    *device.cache.lock_in(shut.inner()) += 1;
    Ok(())
}
