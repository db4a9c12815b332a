// SPDX-License-Identifier: GPL-2.0

//! The twin of `lent_out_of_its_lock.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn lend(own: &Mutex<Gate>, other: &Mutex<u32>, cx: &mut MaySleep) {
    let mut lent: Option<Pin<&mut Event<bool>>> = None;
    {
        let mut held = own.lock_in(cx);
        held.as_mut().project().open.update(|open| *open = true);
    }
    let held = other.lock_in(cx);
    lent.map(|event| event.update(|open| *open = *held == 0));
}
