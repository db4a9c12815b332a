// SPDX-License-Identifier: GPL-2.0

//! The twin of `shared_entry_is_set.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn change(entry: &mut EntryGuard<'_, '_, u64>, shared: &mut SharedEntryGuard<'_, '_, u64>) {
    let _ = (shared.value(), entry.set(1));
}
