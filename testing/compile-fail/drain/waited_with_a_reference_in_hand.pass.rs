// SPDX-License-Identifier: GPL-2.0

//! The twin of `waited_with_a_reference_in_hand.fail.rs`: one line apart, and it compiles.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn resize(drain: &Drain, cx: &mut MaySleep) -> Result<(), DrainError> {
    let io = drain.begin(cx)?.hand_over();
    let mut shut = drain.shut(cx, Uninterruptible)?;
    shut.wait(Uninterruptible)?;
    drop(shut);
    io.end();
    Ok(())
}
