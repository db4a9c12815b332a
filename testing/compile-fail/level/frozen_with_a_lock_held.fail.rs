// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: another task may need the configuration before it can be frozen itself.

#[path = "order.rs"]
mod shared;
use shared::*;

pub fn step(config: &Config, cx: &mut MaySleep) {
    let mut held = config.lock_in(cx);
    let (_, inner) = held.inner();
    inner.try_to_freeze(); //~ E0599
}
