// SPDX-License-Identifier: GPL-2.0

//! The twin of `threshold_without_a_measure.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

use baton::event::ThresholdEvent;

pub struct Log {
    pub written: u64,
}

pub fn log(_: &ThresholdEvent<u64>) {}
