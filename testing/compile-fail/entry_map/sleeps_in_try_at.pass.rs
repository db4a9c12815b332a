// SPDX-License-Identifier: GPL-2.0

//! The twin of `sleeps_in_try_at.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn look(map: &EntryMap<u64>, cx: &mut MaySleep, gate: &Mutex<u64>) -> Result {
    let _ = (&cx, gate);
    let _at = map.try_at(7, Order::Pte, |_| {
        let _ = gate;
        Outcome::Leave
    })?;
    Ok(())
}
