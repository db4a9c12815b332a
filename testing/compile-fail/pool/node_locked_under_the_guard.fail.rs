// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: the node is locked without the lock of the pool, under which nothing sleeps.

#[path = "cache.rs"]
mod shared;
use shared::*;

pub fn flush(cache: &Cache, cx: &mut MaySleep, pin: &Pinned<'_, u32, u32, bool>) -> Result {
    let mut guard = cache.lock_in(cx);
    drop(pin.lock_in(cx)); //~ E0499
    drop(guard.pin(1)?);
    Ok(())
}
