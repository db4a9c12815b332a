// SPDX-License-Identifier: GPL-2.0

//! The twin of `counted_down_without_an_up.fail.rs`: one line apart, and it compiles.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn end(count: &Count) -> Result {
    let one = count.up()?;
    one.down();
    Ok(())
}
