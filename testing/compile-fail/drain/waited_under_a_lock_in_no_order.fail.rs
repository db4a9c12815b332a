// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: who has a reference may need a lock of which nobody knows where it stands.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn resize(lock: &Mutex<u32>, device: &Device, cx: &mut MaySleep) -> Result<(), DrainError> {
    let mut held = lock.lock_in(cx);
    let (_, cx) = held.inner();
    let mut shut = device.requests.shut(cx, Uninterruptible)?; //~ E0277
    shut.wait(Uninterruptible)
}
