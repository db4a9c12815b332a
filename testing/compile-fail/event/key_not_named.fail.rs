// SPDX-License-Identifier: GPL-2.0

//! error: E0061
//! because: an update says whose waiters it may concern, and changes nothing else.

#[path = "../common.rs"]
mod common;
use common::*;

use baton::event::KeyedEvent;

pub fn give(table: &Mutex<KeyedEvent<[u32; 4]>>, cx: &mut MaySleep) {
    let mut held = table.lock_in(cx);
    let _ = held.as_mut().update(|slot: &mut u32| *slot = 1); //~ E0061
}
