// SPDX-License-Identifier: GPL-2.0

//! error: E0505
//! because: the guard unlocks in the map that it came from.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn take<'m>(map: Pin<KBox<EntryMap<u64>>>, cx: &mut MaySleep) -> Result {
    let entry = map.lock(cx, Killable, 7)?;
    drop(map); //~ E0505
    drop(entry);
    Ok(())
}
