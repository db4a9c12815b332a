// SPDX-License-Identifier: GPL-2.0

//! The twin of `owned_while_it_is_shared.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn upgrade(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    let shared = map.lock_shared(cx, Uninterruptible, 7)?;
    let own = map.try_lock(7).err();
    drop((shared, own));
    Ok(())
}
