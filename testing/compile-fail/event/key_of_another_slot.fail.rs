// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: a claim under a key sees the slot of that key; under another one, nobody would try it.

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
    let _ = on.claim(of_another()); //~ E0277
}
