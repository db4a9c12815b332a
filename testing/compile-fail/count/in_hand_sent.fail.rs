// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: it has borrowed the capability of the task that has counted up.

#[path = "device.rs"]
mod shared;
use shared::*;

fn send<T: Send>(_: T) {}

pub fn submit(count: &Count, cx: &mut MaySleep) -> Result {
    let mine = count.up_in(cx)?;
    send(mine); //~ E0277
    Ok(())
}
