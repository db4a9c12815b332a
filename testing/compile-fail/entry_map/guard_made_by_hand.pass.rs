// SPDX-License-Identifier: GPL-2.0

//! The twin of `guard_made_by_hand.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn own<'m>(
    map: &'m EntryMap<u64>,
    cx: &'m mut MaySleep,
) -> Result<Option<EntryGuard<'m, 'm, u64>>> {
    map.lock(cx, Killable, 7)
}
