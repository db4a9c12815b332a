// SPDX-License-Identifier: GPL-2.0

//! The twin of `node_locked_under_the_guard.fail.rs`: one line apart, and it compiles.

#[path = "cache.rs"]
mod shared;
use shared::*;

pub fn flush(cache: &Cache, cx: &mut MaySleep, pin: &Pinned<'_, u32, u32, bool>) -> Result {
    let mut guard = cache.lock_in(cx);
    drop(pin.try_lock());
    drop(guard.pin(1)?);
    Ok(())
}
