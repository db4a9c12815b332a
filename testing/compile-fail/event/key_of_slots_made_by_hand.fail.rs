// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: that two keys never have the same slot is for the library to see to.

#[path = "../common.rs"]
mod common;
use common::*;

use baton::event::KeyedEvent;

pub struct Shared(pub u32);

pub fn table(_: &KeyedEvent<Shared>) {} //~ E0277
