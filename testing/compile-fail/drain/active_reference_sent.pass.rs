// SPDX-License-Identifier: GPL-2.0

//! The twin of `active_reference_sent.fail.rs`: one line apart, and it compiles.

#[path = "device.rs"]
mod shared;
use shared::*;

fn send<T: Send>(_: T) {}

pub fn submit(drain: &Drain, cx: &mut MaySleep) -> Result<(), DrainError> {
    let io = drain.begin(cx)?;
    send(io.hand_over());
    Ok(())
}
