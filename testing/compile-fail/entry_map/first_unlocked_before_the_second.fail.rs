// SPDX-License-Identifier: GPL-2.0

//! error: E0505
//! because: the second entry has borrowed the first one, and with it the capability.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn both(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    if let Some(mut first) = map.lock(cx, Killable, 1)? {
        let second = first.lock_next(Killable, 2)?;
        drop(first); //~ E0505
        drop(second);
    }
    Ok(())
}
