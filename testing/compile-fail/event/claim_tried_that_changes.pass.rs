// SPDX-License-Identifier: GPL-2.0

//! The twin of `claim_tried_that_changes.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn change(open: Pin<&mut Event<bool>>) -> Option<()> {
    open.try_claim(when(
        |open: &bool| {
            let _ = *open;
            false
        },
        |_: &mut bool| (),
    ))
    .ok()
}
