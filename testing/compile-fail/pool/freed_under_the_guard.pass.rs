// SPDX-License-Identifier: GPL-2.0

//! The twin of `freed_under_the_guard.fail.rs`: one line apart, and it compiles.

#[path = "cache.rs"]
mod shared;
use shared::*;

pub fn free(cache: &Cache, cx: &mut MaySleep) -> Result {
    let mut guard = cache.lock_in(cx);
    let node = guard.try_exclusive(0)?;
    drop(node);
    drop(guard.pin(1)?);
    Ok(())
}
