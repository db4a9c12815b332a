// SPDX-License-Identifier: GPL-2.0

//! The twin of `taken_twice.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod shared;
use shared::*;

pub fn twice(config: &Config, metadata: &Metadata, cx: &mut MaySleep) {
    let mut first = config.lock_in(cx);
    let (_, inner) = first.inner();
    drop(metadata.lock_in(inner));
}
