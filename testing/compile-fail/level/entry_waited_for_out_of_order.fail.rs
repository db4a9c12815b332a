// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: waiting for an entry is an acquisition, and this map stands above what is held.

#[path = "order.rs"]
mod shared;
use baton::entry_map::EntryMap;
use shared::*;

type Entries = EntryMap<u64, order::Written>;

pub struct Array {
    pub config: Config,
    pub metadata: Metadata,
    pub entries: Entries,
}

pub fn look(array: &Array, cx: &mut MaySleep) -> Result {
    let mut held = array.metadata.lock_in(cx);
    let (_, cx) = held.inner();
    drop(array.entries.lock(cx, Uninterruptible, 7)?); //~ E0277
    Ok(())
}
