// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: a lock does not stand below itself.
//! hazard: f21

#[path = "order.rs"]
mod shared;
use shared::*;

pub fn twice(config: &Config, metadata: &Metadata, cx: &mut MaySleep) {
    let mut first = config.lock_in(cx);
    let (_, inner) = first.inner();
    drop(config.lock_in(inner)); //~ E0277
}
