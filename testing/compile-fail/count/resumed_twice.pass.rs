// SPDX-License-Identifier: GPL-2.0

//! The twin of `resumed_twice.fail.rs`: one line apart, and it compiles.

#[path = "device.rs"]
mod shared;
use shared::*;

pub fn again(one: Aside, other: Aside) -> [Result<Counted, Aside>; 2] {
    let first = one.resume();
    let second = other.resume();
    [first, second]
}
