// SPDX-License-Identifier: GPL-2.0

//! The twin of `key_of_slots_made_by_hand.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

use baton::event::KeyedEvent;

pub struct Shared(pub u32);

pub fn table(_: &KeyedEvent<[Shared; 2]>) {}
