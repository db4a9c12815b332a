// SPDX-License-Identifier: GPL-2.0

//! error: E0004
//! because: smaller entries in the place of a large one must be answered, too.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn lock(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result<bool> {
    let at = map.at(cx, Killable, 512, Order::Pmd, |slot| match slot {
        //~^ E0004
        Slot::Vacant => Outcome::InsertLocked(42),
        Slot::Unlocked(_) => Outcome::Lock,
    })?;
    Ok(at.locked().is_some())
}
