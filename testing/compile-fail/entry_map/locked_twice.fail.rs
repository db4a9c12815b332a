// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: an entry in hand has borrowed the capability: its task cannot wait for it.
//! hazard: f12 f21

#[path = "../common.rs"]
mod common;
use common::*;

pub fn twice(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    let first = map.lock(cx, Uninterruptible, 7)?;
    let second = map.lock(cx, Uninterruptible, 7)?; //~ E0499
    drop((first, second));
    Ok(())
}
