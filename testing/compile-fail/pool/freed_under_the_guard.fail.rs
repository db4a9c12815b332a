// SPDX-License-Identifier: GPL-2.0

//! error: E0499
//! because: the payload is dropped without the lock of the pool.

#[path = "cache.rs"]
mod shared;
use shared::*;

pub fn free(cache: &Cache, cx: &mut MaySleep) -> Result {
    let mut guard = cache.lock_in(cx);
    let node = guard.try_exclusive(0)?;
    node.free(cx); //~ E0499
    drop(guard.pin(1)?);
    Ok(())
}
