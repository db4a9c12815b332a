// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: only this task counts down what it waits for.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn drain(count: &Count, cx: &mut MaySleep) -> Result {
    let mine = count.up_in(cx)?;
    count.wait_for(cx, 0, Killable)?; //~ E0499
    mine.down();
    Ok(())
}
