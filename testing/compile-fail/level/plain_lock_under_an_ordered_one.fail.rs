// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: a lock that is in no order can be taken with nothing held only.
//! says: `Unordered` must not be taken or waited for while `order::Config` is held

#[path = "order.rs"]
mod shared;
use shared::*;

pub fn both(config: &Config, plain: &Mutex<u32>, other: &mut MaySleep, cx: &mut MaySleep) {
    let mut held = config.lock_in(cx);
    let (_, inner) = held.inner();
    drop(plain.lock_in(inner)); //~ E0277
}
