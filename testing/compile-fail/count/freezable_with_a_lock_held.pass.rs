// SPDX-License-Identifier: GPL-2.0

//! The twin of `freezable_with_a_lock_held.fail.rs`: one line apart, and it compiles.

#[path = "device.rs"]
mod shared;
use baton::event::Mode;
use shared::*;

pub fn drain(device: &Device, cx: &mut MaySleep) -> Result {
    let mut config = device.config.lock_in(cx);
    let (_, cx) = config.inner();
    device.commands.wait_for(cx, 0, Killable)?;
    Ok(())
}
