// SPDX-License-Identifier: GPL-2.0

//! The twin of `sleeps_under_a_spinlock.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod shared;
use shared::*;

type Counter = Ordered<order::Config, SpinLock<u32>>;

pub fn count(counter: &Counter, config: &Config, metadata: &Metadata, cx: &mut MaySleep) {
    let mut held = config.lock_in(cx);
    let (_, cx) = held.inner();
    drop(metadata.lock_in(cx));
}
