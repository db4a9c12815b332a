// SPDX-License-Identifier: GPL-2.0

//! error: E0200
//! because: a level that anybody can make could stand anywhere in the order.

#[path = "order.rs"]
mod shared;
use shared::*;

pub enum Anywhere {}

impl baton::Level for Anywhere {} //~ E0200

fn _level() -> core::marker::PhantomData<Anywhere> {
    core::marker::PhantomData
}
