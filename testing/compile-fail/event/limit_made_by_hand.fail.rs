// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: a limit is jiffies, a span of time or a time on a clock, and says which.

#[path = "../common.rs"]
mod common;
use baton::event::Mode;
use common::*;

pub fn limited() {
    let _ = Killable.timeout(0.5); //~ E0277
}
