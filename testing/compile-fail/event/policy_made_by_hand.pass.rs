// SPDX-License-Identifier: GPL-2.0

//! The twin of `policy_made_by_hand.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub enum WakeNone {}

pub struct Mine {
    event: Event<bool, Any>,
}
