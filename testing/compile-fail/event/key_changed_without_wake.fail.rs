// SPDX-License-Identifier: GPL-2.0

//! error: E0594
//! because: a slot changes through update() only, which considers who waits under its key.

#[path = "../common.rs"]
mod common;
use common::*;

use baton::event::KeyedEvent;

pub fn give(table: &Mutex<KeyedEvent<[u32; 4]>>, cx: &mut MaySleep) {
    let mut held = table.lock_in(cx);
    held.as_mut()[1] = 1; //~ E0594
}
