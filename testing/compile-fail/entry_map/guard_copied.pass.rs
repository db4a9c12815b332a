// SPDX-License-Identifier: GPL-2.0

//! The twin of `guard_copied.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn twice(entry: EntryGuard<'_, '_, u64>) {
    let second = entry.value();
    drop(entry);
    let _ = second;
}
