// SPDX-License-Identifier: GPL-2.0

//! The twin of `waited_for_under_another_lock.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn pass(event: Pin<&mut Event<bool>>, other: &Mutex<Gate>, cx: &mut MaySleep) {
    let held = other.lock_in(cx);
    let _ = held.on(|g| &g.open).until(is_open).wait(Uninterruptible);
}
