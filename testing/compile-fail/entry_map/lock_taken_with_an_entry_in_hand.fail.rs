// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: a lock that is in nobody's order may be what somebody holds who waits for the entry.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn change(map: &EntryMap<u64>, limit: &Mutex<u64>, cx: &mut MaySleep) -> Result {
    if let Some(mut entry) = map.lock(cx, Killable, 1)? {
        let value = *limit.lock_in(entry.inner()); //~ E0277
        entry.set(value)?;
    }
    Ok(())
}
