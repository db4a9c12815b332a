// SPDX-License-Identifier: GPL-2.0

//! The twin of `kept_in_an_option_and_taken.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

#[pin_data]
pub struct Slot {
    #[pin]
    event: Option<Event<bool>>,
}

pub fn empty(slot: &Mutex<Slot>, cx: &mut MaySleep) {
    let mut held = slot.lock_in(cx);
    held.as_mut().project().event.set(None);
}
