// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: it has borrowed the capability of the task that has begun it.

#[path = "device.rs"]
mod shared;
use shared::*;

fn send<T: Send>(_: T) {}

pub fn submit(drain: &Drain, cx: &mut MaySleep) -> Result<(), DrainError> {
    let io = drain.begin(cx)?;
    send(io); //~ E0277
    Ok(())
}
