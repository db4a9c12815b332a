// SPDX-License-Identifier: GPL-2.0

//! The twin of `sleeps_in_reclaim.fail.rs`: one line apart, and it compiles.

#[path = "cache.rs"]
mod shared;
use shared::*;

pub struct Holder(pub Pin<KBox<Cache>>);

pub fn scan(cache: &Holder, reclaim: &mut Reclaim) -> usize {
    let Some(node) = reclaim.try_exclusive_oldest(&cache.0, |_| true) else {
        return 0;
    };
    drop(node.try_lock());
    node.free(reclaim);
    1
}
