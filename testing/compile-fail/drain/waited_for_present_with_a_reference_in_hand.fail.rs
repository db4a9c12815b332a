// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: only this task can end what it waits for, newcomers or not.

#[path = "device.rs"]
mod shared;
use shared::*;

use baton::drain::Phased;

pub fn quiesce(users: &Phased, cx: &mut MaySleep) -> Result<(), DrainError> {
    let user = users.begin(cx);
    users.wait_present(cx, Uninterruptible)?; //~ E0499
    user.end();
    Ok(())
}
