// SPDX-License-Identifier: GPL-2.0

//! The twin of `waited_for_present_with_a_reference_in_hand.fail.rs`: one line apart, and it compiles.

#[path = "device.rs"]
mod shared;
use shared::*;

use baton::drain::Phased;

pub fn quiesce(users: &Phased, cx: &mut MaySleep) -> Result<(), DrainError> {
    let user = users.begin(cx).hand_over();
    users.wait_present(cx, Uninterruptible)?;
    user.end();
    Ok(())
}
