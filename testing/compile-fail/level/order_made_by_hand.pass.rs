// SPDX-License-Identifier: GPL-2.0

//! The twin of `order_made_by_hand.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod shared;
use shared::*;

impl order::Metadata {}

fn _nothing() {}
