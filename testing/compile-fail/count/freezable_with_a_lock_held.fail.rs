// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: another task may need the configuration before it can be frozen itself.
//! says: a freezable wait must not be done while

#[path = "device.rs"]
mod shared;
use baton::event::Mode;
use shared::*;

pub fn drain(device: &Device, cx: &mut MaySleep) -> Result {
    let mut config = device.config.lock_in(cx);
    let (_, cx) = config.inner();
    device.commands.wait_for(cx, 0, Killable.freezable())?; //~ E0277
    Ok(())
}
