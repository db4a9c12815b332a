// SPDX-License-Identifier: GPL-2.0

//! The twin of `unheld_made_by_hand.fail.rs`: one line apart, and it compiles.

#[path = "cache.rs"]
mod shared;
use shared::*;

pub struct Proof;

impl Unpin for Proof {}

pub fn proof() -> Proof {
    Proof
}
