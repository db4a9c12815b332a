// SPDX-License-Identifier: GPL-2.0

//! The twin of `sleeps_under_the_tree_lock.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn look(map: &EntryMap<u64>, cx: &mut MaySleep, gate: &Mutex<Gate>) -> Result {
    let _at = map.at(cx, Killable, 7, Order::Pte, |_| {
        let _ = gate;
        Outcome::Leave
    })?;
    Ok(())
}
