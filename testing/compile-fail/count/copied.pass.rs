// SPDX-License-Identifier: GPL-2.0

//! The twin of `copied.fail.rs`: one line apart, and it compiles.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn two(count: &Count) -> Result<(Counted, Counted)> {
    let one = count.up()?;
    let other = count.up()?;
    Ok((one, other))
}
