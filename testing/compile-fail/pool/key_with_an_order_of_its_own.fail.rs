// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: a pool compares numbers; what a key says about its order cannot confuse it.

#[path = "cache.rs"]
mod shared;
use shared::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(u32);

pub type Number = Name;

pub fn new() -> impl PinInit<Pool<Number, u32>> {
    baton::pool::new_pool!("names") //~ E0277
}
