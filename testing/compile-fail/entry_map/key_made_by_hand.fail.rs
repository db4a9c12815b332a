// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: waiter and waker take their key from the entry that was found, never from the request.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn key(entry: &Entry<u64>, index: usize) -> Granule {
    drop(index);
    index.into() //~ E0277
}
