// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: what writes an entry has it in hand.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn write(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result<usize> {
    map.write_back(cx, Uninterruptible, .., |entry| {
        map.invalidate(entry.inner(), Uninterruptible, .., |_, _, _| ())?; //~ E0277
        Ok(())
    })
}
