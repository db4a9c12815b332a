// SPDX-License-Identifier: GPL-2.0

//! error: E0599
//! because: an entry has one owner: two guards would unlock it twice.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn twice(entry: EntryGuard<'_, '_, u64>) {
    let second = entry.clone(); //~ E0599
    drop(entry);
    let _ = second;
}
