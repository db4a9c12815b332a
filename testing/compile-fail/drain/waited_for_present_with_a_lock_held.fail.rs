// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: who has a reference may take this lock.

#[path = "device.rs"]
mod shared;
use shared::*;

use baton::drain::Phased;

pub fn quiesce(
    device: &Device,
    users: &Phased<order::Bus>,
    cx: &mut MaySleep,
) -> Result<(), DrainError> {
    let mut config = device.config.lock_in(cx);
    let (_, cx) = config.inner();
    users.wait_present(cx, Uninterruptible) //~ E0308
}
