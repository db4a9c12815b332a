// SPDX-License-Identifier: GPL-2.0

//! error: E0061 E0624
//! because: who has a guard owns the entry; only the map can say so.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn own<'m>(
    map: &'m EntryMap<u64>,
    cx: &'m mut MaySleep,
) -> Result<Option<EntryGuard<'m, 'm, u64>>> {
    Ok(Some(EntryGuard::new(map, 7))) //~ E0624 E0061
}
