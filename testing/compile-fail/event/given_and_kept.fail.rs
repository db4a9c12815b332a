// SPDX-License-Identifier: GPL-2.0

//! error: E0382
//! because: what was given comes back with the error, and in no other way.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn put(gate: &Mutex<Gate>, cx: &mut MaySleep, item: KBox<u32>, other: KBox<u32>) -> KBox<u32> {
    let on = gate.lock_in(cx).on(|g| &g.open).give(item);
    let wait = on.when(is_open, |_, item| drop(item.take()));
    let refused = wait.wait(Killable).map_err(|refused| refused.item).err();
    drop((refused, item)); //~ E0382
    other
}
