// SPDX-License-Identifier: GPL-2.0

//! The twin of `waits_in_an_rcu_section.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn look(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result<bool> {
    drop(cx.rcu_read_lock());
    let entry = map.lock(cx, Killable, 7)?;
    Ok(entry.is_some())
}
