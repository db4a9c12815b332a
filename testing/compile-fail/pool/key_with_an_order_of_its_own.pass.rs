// SPDX-License-Identifier: GPL-2.0

//! The twin of `key_with_an_order_of_its_own.fail.rs`: one line apart, and it compiles.

#[path = "cache.rs"]
mod shared;
use shared::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(u32);

pub type Number = u32;

pub fn new() -> impl PinInit<Pool<Number, u32>> {
    baton::pool::new_pool!("names")
}
