// SPDX-License-Identifier: GPL-2.0

//! The twin of `waited_with_one_in_hand.fail.rs`: one line apart, and it compiles.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn drain(count: &Count, cx: &mut MaySleep) -> Result {
    let mine = count.up_in(cx)?;
    count.up()?.down();
    mine.down();
    Ok(())
}
