// SPDX-License-Identifier: GPL-2.0

//! error: E0499 E0597
//! because: an event is data of the one lock that it lives in; it cannot be used under another.
//! hazard: f04

#[path = "../common.rs"]
mod common;
use common::*;

pub fn lend(own: &Mutex<Gate>, other: &Mutex<u32>, cx: &mut MaySleep) {
    let mut lent: Option<Pin<&mut Event<bool>>> = None;
    {
        let mut held = own.lock_in(cx);
        lent = Some(held.as_mut().project().open); //~ E0597
    }
    let held = other.lock_in(cx); //~ E0499
    lent.map(|event| event.update(|open| *open = *held == 0));
}
