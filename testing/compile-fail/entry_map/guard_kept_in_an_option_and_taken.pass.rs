// SPDX-License-Identifier: GPL-2.0

//! The twin of `guard_kept_in_an_option_and_taken.fail.rs`: one line apart, and it compiles.

#[path = "../common.rs"]
mod common;
use common::*;

pub fn finish(mut kept: Option<EntryGuard<'_, '_, u64>>) -> Result {
    let Some(mut entry) = kept.take() else {
        return Ok(());
    };
    drop(kept);
    entry.set(1)
}
