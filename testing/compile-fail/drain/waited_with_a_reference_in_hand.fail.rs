// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: only this task can end what it waits for.
//! hazard: f12

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn resize(drain: &Drain, cx: &mut MaySleep) -> Result<(), DrainError> {
    let io = drain.begin(cx)?;
    let mut shut = drain.shut(cx, Uninterruptible)?; //~ E0499
    shut.wait(Uninterruptible)?;
    drop(shut);
    io.end();
    Ok(())
}
