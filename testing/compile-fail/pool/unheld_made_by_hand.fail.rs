// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: only a capability proves that no guard is held.

#[path = "cache.rs"]
mod shared;
use shared::*;

pub struct Proof;

impl baton::pool::Unheld<baton::level::Unordered> for Proof {} //~ E0277

pub fn proof() -> Proof {
    Proof
}
