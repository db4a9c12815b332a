// SPDX-License-Identifier: GPL-2.0

//! The twin of `outcome_not_returned.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

#[deny(unused_must_use)]
pub fn remove(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    let _at = map.at(cx, Killable, 7, Order::Pte, |_| {
        let _ = Outcome::<u64>::Remove;
        Outcome::Leave
    })?;
    Ok(())
}
