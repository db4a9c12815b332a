// SPDX-License-Identifier: GPL-2.0

//! error: E0597 error
//! because: the event of a wait comes out of the data of the lock that the wait releases.
//! hazard: f04

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(event: Pin<&mut Event<bool>>, other: &Mutex<Gate>, cx: &mut MaySleep) {
    let held = other.lock_in(cx);
    let _ = held.on(|_| &*event).until(is_open).wait(Uninterruptible); //~ E0597 error
}
