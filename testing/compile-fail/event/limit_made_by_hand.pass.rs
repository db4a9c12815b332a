// SPDX-License-Identifier: GPL-2.0

//! The twin of `limit_made_by_hand.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use baton::event::Mode;
use common::*;

pub fn limited() {
    let _ = Killable.timeout(5);
}
