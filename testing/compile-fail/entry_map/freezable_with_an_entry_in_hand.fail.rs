// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: another task may need the entry before it can be frozen itself.
//! says: a freezable wait must not be done while

#[path = "../common.rs"]
mod common;
use baton::event::Mode;
use common::*;

pub fn both(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    let mut first = map.lock(cx, Killable.freezable(), 1)?.ok_or(ENOENT)?;
    drop(first.lock_next(Killable.freezable(), 2)?); //~ E0277
    Ok(())
}
