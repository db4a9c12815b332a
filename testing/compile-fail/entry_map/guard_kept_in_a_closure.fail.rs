// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: a closure of a visit does not capture an entry in hand: dropping it there would take the lock again.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn look(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    let kept = map.lock(cx, Killable, 7)?;
    let mut kept = kept;
    let _at = map.try_at(8, Order::Pte, |_| {
        //~^ E0277
        drop(kept.take());
        Outcome::Leave
    })?;
    Ok(())
}
