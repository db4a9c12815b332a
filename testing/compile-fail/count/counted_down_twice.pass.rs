// SPDX-License-Identifier: GPL-2.0

//! The twin of `counted_down_twice.fail.rs`: one line apart, and it compiles.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn end(count: &Count) -> Result {
    let (one, other) = (count.up()?, count.up()?);
    one.down();
    other.down();
    Ok(())
}
