// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: the closure runs under the tree lock; the capability to sleep is not there.
//! hazard: f17

#[path = "../common.rs"]
mod common;
use common::*;

pub fn look(map: &EntryMap<u64>, cx: &mut MaySleep, gate: &Mutex<Gate>) -> Result {
    let _at = map.at(cx, Killable, 7, Order::Pte, |_| {
        //~^ E0277
        drop(gate.lock_in(cx));
        Outcome::Leave
    })?;
    Ok(())
}
