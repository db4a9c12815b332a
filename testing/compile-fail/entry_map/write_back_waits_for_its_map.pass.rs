// SPDX-License-Identifier: GPL-2.0

//! The twin of `write_back_waits_for_its_map.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn write(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result<usize> {
    map.write_back(cx, Uninterruptible, .., |entry| {
        entry.set(map.waiters(7) as u64)?;
        Ok(())
    })
}
