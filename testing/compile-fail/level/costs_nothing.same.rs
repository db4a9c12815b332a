// SPDX-License-Identifier: GPL-2.0

//! because: the order exists at compile time only.

#[path = "order.rs"]
mod shared;
use shared::*;

const _: () = assert!(size_of::<Config>() == size_of::<Mutex<u32>>());
const _: () = assert!(size_of::<MaySleep<order::Config>>() == 0);

/// Two locks, one in the other, with the order checked.
#[no_mangle]
pub fn ours(outer: &Config, inner: &Ordered<order::Metadata, Mutex<u32>>, cx: &mut MaySleep) {
    let mut outer = outer.lock_in(cx);
    let (value, cx) = outer.inner();
    *inner.lock_in(cx) = *value;
}

/// The same with the plain locks of the `kernel` crate.
#[no_mangle]
pub fn plain(outer: &Mutex<u32>, inner: &Mutex<u32>) {
    let outer = outer.lock();
    *inner.lock() = *outer;
}
