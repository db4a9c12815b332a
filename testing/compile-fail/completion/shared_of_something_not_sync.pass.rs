// SPDX-License-Identifier: GPL-2.0

//! The twin of `shared_of_something_not_sync.fail.rs`: one line apart, and it compiles.

use baton::completion::Completion;
use core::cell::Cell;
use kernel::sync::atomic::Atomic;

pub fn many(one: Completion<Atomic<u32>>) {
    let _many = one.share();
}
