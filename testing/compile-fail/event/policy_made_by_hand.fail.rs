// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: what happens behind a waiter whose claim fails is one of two rules that were proven.
//! hazard: f09

#[path = "../common.rs"]
mod common;
use common::*;

pub enum WakeNone {}

pub struct Mine {
    event: Event<bool, WakeNone>, //~ E0277
}
