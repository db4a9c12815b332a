// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: an entry that is shared has borrowed the capability: its task cannot wait to own it.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn upgrade(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    let shared = map.lock_shared(cx, Uninterruptible, 7)?;
    let own = map.lock(cx, Uninterruptible, 7)?; //~ E0499
    drop((shared, own));
    Ok(())
}
