// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: who has this lock waits until there are none.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn command(device: &Device, cx: &mut MaySleep) -> Result {
    let mut mine = device.commands.up_in(cx)?;
    *device.config.lock_in(mine.inner()) += 1; //~ E0277
    Ok(())
}

pub fn change(device: &Device, cx: &mut MaySleep) -> Result {
    let mut config = device.config.lock_in(cx);
    device.commands.wait_for(config.inner().1, 0, Killable)?;
    Ok(())
}
