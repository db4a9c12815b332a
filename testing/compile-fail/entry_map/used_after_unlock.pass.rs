// SPDX-License-Identifier: GPL-2.0

//! The twin of `used_after_unlock.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn unlock(mut entry: EntryGuard<'_, '_, u64>) -> Result {
    entry.mark(Mark::Dirty);
    entry.set(1)
}
