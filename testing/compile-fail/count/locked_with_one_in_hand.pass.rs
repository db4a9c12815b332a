// SPDX-License-Identifier: GPL-2.0

//! The twin of `locked_with_one_in_hand.fail.rs`: one line apart, and it compiles.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn command(device: &Device, cx: &mut MaySleep) -> Result {
    let mut mine = device.commands.up_in(cx)?;
    *device.cache.lock_in(mine.inner()) += 1;
    Ok(())
}

pub fn change(device: &Device, cx: &mut MaySleep) -> Result {
    let mut config = device.config.lock_in(cx);
    device.commands.wait_for(config.inner().1, 0, Killable)?;
    Ok(())
}
