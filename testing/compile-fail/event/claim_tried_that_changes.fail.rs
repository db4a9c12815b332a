// SPDX-License-Identifier: GPL-2.0

//! error: E0594
//! because: what is tried changes nothing unless its condition holds.
//! hazard: f02

#[path = "../common.rs"]
mod common;
use common::*;

pub fn change(open: Pin<&mut Event<bool>>) -> Option<()> {
    open.try_claim(when(
        |open: &bool| {
            *open = true; //~ E0594
            false
        },
        |_: &mut bool| (),
    ))
    .ok()
}
