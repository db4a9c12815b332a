// SPDX-License-Identifier: GPL-2.0

//! The twin of `order_made_by_hand.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn look(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    let _at = map.at(cx, Killable, 7, Order::Pte, |_| Outcome::Leave)?;
    Ok(())
}
