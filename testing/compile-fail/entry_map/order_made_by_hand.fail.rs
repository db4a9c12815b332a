// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: there are two sizes of an entry; a number is none.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn look(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    let _at = map.at(cx, Killable, 7, 3, |_| Outcome::Leave)?; //~ E0308
    Ok(())
}
