// SPDX-License-Identifier: GPL-2.0

//! The twin of `key_made_by_hand.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn key(entry: &Entry<u64>, index: usize) -> Granule {
    drop(index);
    entry.granule()
}
