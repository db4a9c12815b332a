// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: the look and the change are one step; there is no store() to come later.
//! hazard: f15

#[path = "../common.rs"]
mod common;
use common::*;

pub fn fill(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    let vacant = |slot| matches!(slot, Slot::<u64>::Vacant);
    let _at = map.at(cx, Killable, 3, Order::Pte, |slot| {
        if vacant(slot) {
            return map.store(3, 42); //~ E0599
        }
        Outcome::Leave
    })?;
    Ok(())
}
