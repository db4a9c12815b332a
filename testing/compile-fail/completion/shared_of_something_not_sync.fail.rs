// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: many tasks would look at it at the same time.

use baton::completion::Completion;
use core::cell::Cell;
use kernel::sync::atomic::Atomic;

pub fn many(one: Completion<Cell<u32>>) {
    let _many = one.share(); //~ E0277
}
