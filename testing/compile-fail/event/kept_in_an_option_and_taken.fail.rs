// SPDX-License-Identifier: GPL-2.0

//! error: E0596
//! because: an event stays where its waiters know it; it cannot be taken out of an option.

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
    drop(held.as_mut().project().event.take()); //~ E0596
}
