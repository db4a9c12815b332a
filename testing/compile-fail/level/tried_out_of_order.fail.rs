// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: who tries until it succeeds depends on the lock as if it waited.

#[path = "order.rs"]
mod shared;
use shared::*;

pub fn poll(config: &Config, metadata: &Metadata, other: &mut MaySleep, cx: &mut MaySleep) -> bool {
    let mut held = metadata.lock_in(cx);
    let (_, inner) = held.inner();
    config.try_lock_in(inner).is_some() //~ E0277
}
