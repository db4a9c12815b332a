// SPDX-License-Identifier: GPL-2.0

//! The twin of `entry_waited_for_out_of_order.fail.rs`: one line apart, and it compiles.

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
    let mut held = array.config.lock_in(cx);
    let (_, cx) = held.inner();
    drop(array.entries.lock(cx, Uninterruptible, 7)?);
    Ok(())
}
