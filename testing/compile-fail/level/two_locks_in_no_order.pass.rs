// SPDX-License-Identifier: GPL-2.0

//! The twin of `two_locks_in_no_order.fail.rs`: one line apart, and it compiles.

#[path = "order.rs"]
mod order;
use order::*;

pub type Locks = (Config, Ordered<order::order::Metadata, Mutex<u32>>);

pub fn both((one, two): &Locks, cx: &mut MaySleep) {
    let mut held = one.lock_in(cx);
    let (first, cx) = held.inner();
    *two.lock_in(cx) += *first;
}
