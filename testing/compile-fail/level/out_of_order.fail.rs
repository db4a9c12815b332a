// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: the configuration stands above the metadata.

#[path = "order.rs"]
mod shared;
use shared::*;

pub fn both(config: &Config, metadata: &Metadata, other: &mut MaySleep, cx: &mut MaySleep) {
    let mut held = metadata.lock_in(cx);
    let (_, inner) = held.inner();
    drop(config.lock_in(inner)); //~ E0277
}
