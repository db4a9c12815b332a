// SPDX-License-Identifier: GPL-2.0

//! error: E0382
//! because: what was counted up once is counted down once.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn end(count: &Count) -> Result {
    let (one, other) = (count.up()?, count.up()?);
    one.down();
    one.down(); //~ E0382
    Ok(())
}
