// SPDX-License-Identifier: GPL-2.0

//! error: E0382
//! because: an entry that was unlocked may be another task's, or gone.
//! hazard: f16

#[path = "../common.rs"]
mod common;
use common::*;

pub fn unlock(mut entry: EntryGuard<'_, '_, u64>) -> Result {
    entry.unlock();
    entry.set(1) //~ E0382
}
