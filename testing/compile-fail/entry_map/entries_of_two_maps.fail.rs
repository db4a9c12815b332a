// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: the entries of two maps have no order among each other, unless their levels have one.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn both(a: &EntryMap<u64>, b: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    let _ = b;
    if let Some(mut entry) = a.lock(cx, Killable, 1)? {
        drop(b.lock(entry.inner(), Killable, 2)?); //~ E0277
    }
    Ok(())
}
