// SPDX-License-Identifier: GPL-2.0

//! The twin of `level_made_by_hand.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod shared;
use shared::*;

pub enum Anywhere {}

impl Anywhere {}

fn _level() -> core::marker::PhantomData<Anywhere> {
    core::marker::PhantomData
}
