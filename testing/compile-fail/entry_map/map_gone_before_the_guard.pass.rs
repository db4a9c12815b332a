// SPDX-License-Identifier: GPL-2.0

//! The twin of `map_gone_before_the_guard.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn take<'m>(map: Pin<KBox<EntryMap<u64>>>, cx: &mut MaySleep) -> Result {
    let entry = map.lock(cx, Killable, 7)?;
    drop(entry);
    Ok(())
}
