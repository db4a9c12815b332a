// SPDX-License-Identifier: GPL-2.0

//! The twin of `key_changed_without_wake.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

use baton::event::KeyedEvent;

pub fn give(table: &Mutex<KeyedEvent<[u32; 4]>>, cx: &mut MaySleep) {
    let mut held = table.lock_in(cx);
    let _ = held.as_mut().update(1, |slot| *slot = 1);
}
