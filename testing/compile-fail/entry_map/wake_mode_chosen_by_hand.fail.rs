// SPDX-License-Identifier: GPL-2.0

//! error: E0061 E0433
//! because: who is woken follows from what becomes of the entry.
//! hazard: f09

#[path = "../common.rs"]
mod common;
use common::*;

pub fn unlock(entry: EntryGuard<'_, '_, u64>) {
    entry.unlock(WakeMode::Next); //~ E0433 E0061
}
