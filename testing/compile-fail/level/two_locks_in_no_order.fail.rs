// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: two tasks could take two locks that are in no order in both orders.
//! says: `Unordered` must not be taken or waited for while `Unordered` is held
//! says: a lock gets one as `Ordered<LEVEL, Mutex<_>>`
//! hazard: f21

#[path = "order.rs"]
mod order;
use order::*;

pub type Locks = (Mutex<u32>, Mutex<u32>);

pub fn both((one, two): &Locks, cx: &mut MaySleep) {
    let mut held = one.lock_in(cx);
    let (first, cx) = held.inner();
    *two.lock_in(cx) += *first; //~ E0277
}
