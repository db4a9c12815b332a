// SPDX-License-Identifier: GPL-2.0

//! The twin of `waited_with_what_they_take.fail.rs`: one line apart, and it compiles.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn change(device: &Device, cx: &mut MaySleep) -> Result {
    let mut held = device.config.lock_in(cx);
    device.commands.wait_for(held.inner().1, 0, Killable)?;
    Ok(())
}
