// SPDX-License-Identifier: GPL-2.0

//! error: E0382
//! because: a guard that was taken out of its option has been used up.
//! hazard: f16

#[path = "../common.rs"]
mod common;
use common::*;

pub fn finish(mut kept: Option<EntryGuard<'_, '_, u64>>) -> Result {
    let Some(mut entry) = kept.take() else {
        return Ok(());
    };
    drop(entry);
    entry.set(1) //~ E0382
}
