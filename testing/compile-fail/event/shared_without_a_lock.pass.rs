// SPDX-License-Identifier: GPL-2.0

//! The twin of `shared_without_a_lock.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn share(cx: &mut MaySleep, gate: Arc<Gate>) -> Result<Thread> {
    Err(EINVAL)
}
