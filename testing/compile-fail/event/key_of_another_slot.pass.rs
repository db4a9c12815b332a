// SPDX-License-Identifier: GPL-2.0

//! The twin of `key_of_another_slot.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

use baton::event::{
    until,
    KeyedEvent, //
};

pub fn of_another() -> impl Claim<[u32; 4], Output = ()> {
    until(|table: &[u32; 4]| table[2] > 0)
}

pub fn wait(table: &Mutex<KeyedEvent<[u32; 4]>>, cx: &mut MaySleep) {
    let on = table.lock_in(cx).on_key(|table| table, 1);
    let _ = on.claim(take(1));
}
