// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: the pool is locked for a wait only with the capability to sleep.

#[path = "cache.rs"]
mod shared;
use shared::*;

pub fn scan(cache: &Cache, reclaim: &mut Reclaim) -> bool {
    let node = cache.lock_in(reclaim).try_exclusive(0); //~ E0308
    node.is_ok()
}
