// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: another task may need the configuration before it can be frozen itself.
//! says: a freezable wait must not be done while

#[path = "device.rs"]
mod shared;
use baton::{
    drain::Phased,
    event::Mode, //
};
use shared::*;

pub fn quiesce(
    device: &Device,
    users: &Phased<order::Requests>,
    cx: &mut MaySleep,
) -> Result<(), DrainError> {
    let mut config = device.config.lock_in(cx);
    let (_, cx) = config.inner();
    users.wait_present(cx, Uninterruptible.freezable()) //~ E0277
}
