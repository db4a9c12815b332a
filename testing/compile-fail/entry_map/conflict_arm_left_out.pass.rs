// SPDX-License-Identifier: GPL-2.0

//! The twin of `conflict_arm_left_out.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn lock(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result<bool> {
    let at = map.at(cx, Killable, 512, Order::Pmd, |slot| match slot {
        Slot::Vacant => Outcome::InsertLocked(42),
        Slot::Unlocked(_) => Outcome::Lock,
        Slot::Conflict(_) => Outcome::Leave,
    })?;
    Ok(at.locked().is_some())
}
