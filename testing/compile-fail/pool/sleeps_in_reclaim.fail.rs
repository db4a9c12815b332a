// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//! because: reclaim has no capability to sleep.

#[path = "cache.rs"]
mod shared;
use shared::*;

pub struct Holder(pub Pin<KBox<Cache>>);

pub fn scan(cache: &Holder, reclaim: &mut Reclaim) -> usize {
    let Some(node) = reclaim.try_exclusive_oldest(&cache.0, |_| true) else {
        return 0;
    };
    drop(node.lock_in(reclaim)); //~ E0308
    node.free(reclaim);
    1
}
