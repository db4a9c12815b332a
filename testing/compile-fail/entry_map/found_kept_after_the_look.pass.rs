// SPDX-License-Identifier: GPL-2.0

//! The twin of `found_kept_after_the_look.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn look(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result<bool> {
    let mut kept = None;
    let _at = map.at(cx, Killable, 7, Order::Pte, |slot| {
        if let Slot::Unlocked(entry) = &slot {
            kept = Some(entry.value());
        }
        Outcome::Leave
    })?;
    Ok(kept.is_some())
}
