// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: with an entry in hand nothing of its level is waited for, not even with what the guard gives.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn clean(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    if let Some(mut entry) = map.lock(cx, Uninterruptible, 7)? {
        map.invalidate(entry.inner(), Uninterruptible, 8.., |_, _, _| ())?; //~ E0277
    }
    Ok(())
}
