// SPDX-License-Identifier: GPL-2.0

//! error: E0382
//! because: what was set aside once is counted again once.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn again(one: Aside, other: Aside) -> [Result<Counted, Aside>; 2] {
    let first = one.resume();
    let second = one.resume(); //~ E0382
    [first, second]
}
