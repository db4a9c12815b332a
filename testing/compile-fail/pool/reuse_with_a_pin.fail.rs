// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: a pinned node is what it is: reuse takes an owner.

#[path = "cache.rs"]
mod shared;
use shared::*;

pub fn reuse(node: Pinned<'_, u32, u32, bool>, cx: &mut MaySleep) {
    drop(node.reuse(cx, 7, false, GFP_KERNEL)); //~ E0599
}
