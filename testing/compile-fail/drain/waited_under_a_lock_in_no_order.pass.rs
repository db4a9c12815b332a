// SPDX-License-Identifier: GPL-2.0

//! The twin of `waited_under_a_lock_in_no_order.fail.rs`: one line apart, and it compiles.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn resize(lock: &Mutex<u32>, device: &Device, cx: &mut MaySleep) -> Result<(), DrainError> {
    let mut held = device.config.lock_in(cx);
    let (_, cx) = held.inner();
    let mut shut = device.requests.shut(cx, Uninterruptible)?;
    shut.wait(Uninterruptible)
}
