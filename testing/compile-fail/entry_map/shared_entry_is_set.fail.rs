// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: who shares an entry does not change what others rely on.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn change(entry: &mut EntryGuard<'_, '_, u64>, shared: &mut SharedEntryGuard<'_, '_, u64>) {
    let _ = (entry.value(), shared.set(1)); //~ E0599
}
