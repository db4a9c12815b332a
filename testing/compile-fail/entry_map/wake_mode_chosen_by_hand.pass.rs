// SPDX-License-Identifier: GPL-2.0

//! The twin of `wake_mode_chosen_by_hand.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn unlock(entry: EntryGuard<'_, '_, u64>) {
    entry.unlock();
}
