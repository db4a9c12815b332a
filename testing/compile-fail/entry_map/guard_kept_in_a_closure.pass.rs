// SPDX-License-Identifier: GPL-2.0

//! The twin of `guard_kept_in_a_closure.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn look(map: &EntryMap<u64>, cx: &mut MaySleep) -> Result {
    let kept = map.lock(cx, Killable, 7)?;
    let mut kept = kept.map(EntryGuard::detach);
    let _at = map.try_at(8, Order::Pte, |_| {
        drop(kept.take());
        Outcome::Leave
    })?;
    Ok(())
}
