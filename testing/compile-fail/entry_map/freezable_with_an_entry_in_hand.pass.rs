// SPDX-License-Identifier: GPL-2.0

//! The twin of `freezable_with_an_entry_in_hand.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use baton::event::Mode;
use common::*;

pub fn both(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    let mut first = map.lock(cx, Killable.freezable(), 1)?.ok_or(ENOENT)?;
    drop(first.lock_next(Killable, 2)?);
    Ok(())
}
