// SPDX-License-Identifier: GPL-2.0

//! error: unused_must_use
//! because: what came of the outcome may be a locked entry.

#[path = "../common.rs"]
mod common;
use common::*;

#[deny(unused_must_use)]
pub fn lock(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    map.at(cx, Killable, 7, Order::Pte, |_| Outcome::Leave)?; //~ unused_must_use
    Ok(())
}
