// SPDX-License-Identifier: GPL-2.0

//! error: E0521
//! because: what was seen is true under the tree lock only; it does not leave the closure by reference.
//! hazard: f16

#[path = "../common.rs"]
mod common;
use common::*;

pub fn look(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result<bool> {
    let mut kept = None;
    let _at = map.at(cx, Killable, 7, Order::Pte, |slot| {
        if let Slot::Unlocked(entry) = &slot {
            kept = Some(entry); //~ E0521
        }
        Outcome::Leave
    })?;
    Ok(kept.is_some())
}
