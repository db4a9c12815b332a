// SPDX-License-Identifier: GPL-2.0

//! The twin of `out_of_order.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod shared;
use shared::*;

pub fn both(config: &Config, metadata: &Metadata, other: &mut MaySleep, cx: &mut MaySleep) {
    let mut held = metadata.lock_in(cx);
    let (_, inner) = held.inner();
    drop(config.lock_in(other));
}
