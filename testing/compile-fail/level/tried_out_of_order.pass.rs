// SPDX-License-Identifier: GPL-2.0

//! The twin of `tried_out_of_order.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod shared;
use shared::*;

pub fn poll(config: &Config, metadata: &Metadata, other: &mut MaySleep, cx: &mut MaySleep) -> bool {
    let mut held = metadata.lock_in(cx);
    let (_, inner) = held.inner();
    config.try_lock_in(other).is_some()
}
