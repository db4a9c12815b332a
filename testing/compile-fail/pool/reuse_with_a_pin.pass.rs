// SPDX-License-Identifier: GPL-2.0

//! The twin of `reuse_with_a_pin.fail.rs`: one line apart, and it compiles.

#[path = "cache.rs"]
mod shared;
use shared::*;

pub fn reuse(node: Pinned<'_, u32, u32, bool>, cx: &mut MaySleep) {
    drop(node.lock_in(cx));
}
