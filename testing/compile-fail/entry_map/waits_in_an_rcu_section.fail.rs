// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: nothing can sleep in an RCU read section, for an entry neither.
//! hazard: f08

#[path = "../common.rs"]
mod common;
use common::*;

pub fn look(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result<bool> {
    let _rcu = cx.rcu_read_lock();
    let entry = map.lock(cx, Killable, 7)?; //~ E0499
    Ok(entry.is_some())
}
