// SPDX-License-Identifier: GPL-2.0

//! error: E0004
//! because: finding nothing is one of the three things that can be found, and must be answered.
//! hazard: f15

#[path = "../common.rs"]
mod common;
use common::*;

pub fn lock(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result<bool> {
    let at = map.at(cx, Killable, 7, Order::Pte, |slot| match slot {
        //~^ E0004
        Slot::Unlocked(_) => Outcome::Lock,
        Slot::Conflict(_) => Outcome::Leave,
    })?;
    Ok(at.locked().is_some())
}
