// SPDX-License-Identifier: GPL-2.0

//! The twin of `checked_then_stored.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn fill(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    let vacant = |slot| matches!(slot, Slot::<u64>::Vacant);
    let _at = map.at(cx, Killable, 3, Order::Pte, |slot| {
        if vacant(slot) {
            return Outcome::Insert(42);
        }
        Outcome::Leave
    })?;
    Ok(())
}
