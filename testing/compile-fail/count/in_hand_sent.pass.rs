// SPDX-License-Identifier: GPL-2.0

//! The twin of `in_hand_sent.fail.rs`: one line apart, and it compiles.

#[path = "device.rs"]
mod shared;
use shared::*;

fn send<T: Send>(_: T) {}

pub fn submit(count: &Count, cx: &mut MaySleep) -> Result {
    let mine = count.up_in(cx)?;
    send(mine.hand_over());
    Ok(())
}
