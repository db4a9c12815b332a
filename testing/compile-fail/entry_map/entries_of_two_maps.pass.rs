// SPDX-License-Identifier: GPL-2.0

//! The twin of `entries_of_two_maps.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn both(a: &EntryMap<u64>, b: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    let _ = b;
    if let Some(mut entry) = a.lock(cx, Killable, 1)? {
        drop(entry.lock_next(Killable, 2)?);
    }
    Ok(())
}
