// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: what a threshold is compared with is a function of the data.

#[path = "../common.rs"]
mod common;
use common::*;

use baton::event::ThresholdEvent;

pub struct Log {
    pub written: u64,
}

pub fn log(_: &ThresholdEvent<Log>) {} //~ E0277
