// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: a closure of a visit is `Send`; a capability to sleep is not, and so is not captured.
//! hazard: f17

#[path = "../common.rs"]
mod common;
use common::*;

pub fn look(map: &EntryMap<u64>, cx: &mut MaySleep, gate: &Mutex<u64>) -> Result {
    let _ = (&cx, gate);
    let _at = map.try_at(7, Order::Pte, |_| {
        //~^ E0277
        drop(gate.lock_in(cx));
        Outcome::Leave
    })?;
    Ok(())
}
