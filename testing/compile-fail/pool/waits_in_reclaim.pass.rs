// SPDX-License-Identifier: GPL-2.0

//! The twin of `waits_in_reclaim.fail.rs`: one line apart, and it compiles.

#[path = "cache.rs"]
mod shared;
use shared::*;

pub fn scan(cache: &Cache, reclaim: &mut Reclaim) -> bool {
    let node = reclaim.try_exclusive(cache, 0);
    node.is_ok()
}
