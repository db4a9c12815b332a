// SPDX-License-Identifier: GPL-2.0

//! error: unused_must_use
//! because: an outcome does nothing by itself.

#[path = "../common.rs"]
mod common;
use common::*;

#[deny(unused_must_use)]
pub fn remove(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    let _at = map.at(cx, Killable, 7, Order::Pte, |_| {
        Outcome::<u64>::Remove; //~ unused_must_use
        Outcome::Leave
    })?;
    Ok(())
}
