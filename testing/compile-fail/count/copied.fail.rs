// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: each counts down, and only one was counted up.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn two(count: &Count) -> Result<(Counted, Counted)> {
    let one = count.up()?;
    let other = one.clone(); //~ E0599
    Ok((one, other))
}
