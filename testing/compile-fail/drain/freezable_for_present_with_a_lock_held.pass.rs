// SPDX-License-Identifier: GPL-2.0

//! The twin of `freezable_for_present_with_a_lock_held.fail.rs`: one line apart, and it compiles.

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
    users.wait_present(cx, Uninterruptible)
}
