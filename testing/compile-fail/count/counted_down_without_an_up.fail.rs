// SPDX-License-Identifier: GPL-2.0

//! error: E0451 error
//! because: there is no other way to get one than to count up.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn end(count: &Count) -> Result {
    let one = Counted { cell: loop {} }; //~ E0451 error
    one.down();
    Ok(())
}
