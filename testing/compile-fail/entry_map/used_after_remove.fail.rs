// SPDX-License-Identifier: GPL-2.0

//! error: E0382
//! because: there is no entry any more that could be changed or unlocked.
//! hazard: f16

#[path = "../common.rs"]
mod common;
use common::*;

pub fn discard(mut entry: EntryGuard<'_, '_, u64>) -> Result {
    entry.remove();
    entry.set(1) //~ E0382
}
