// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: whoever holds a spinlock cannot sleep, so its guard hands out no capability.

#[path = "order.rs"]
mod shared;
use shared::*;

type Counter = Ordered<order::Config, SpinLock<u32>>;

pub fn count(counter: &Counter, config: &Config, metadata: &Metadata, cx: &mut MaySleep) {
    let mut held = counter.lock_in(cx);
    let (_, cx) = held.inner(); //~ E0599
    drop(metadata.lock_in(cx));
}
