// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: who is to count down takes this lock first.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn change(device: &Device, cx: &mut MaySleep) -> Result {
    let mut held = device.cache.lock_in(cx);
    device.commands.wait_for(held.inner().1, 0, Killable)?; //~ E0277
    Ok(())
}
