// SPDX-License-Identifier: GPL-2.0

//! error: E0277
//! because: freeing takes the pool's lock: the pool has to stand below what is held.

#[path = "cache.rs"]
mod shared;
use shared::*;

use kernel::sync::Mutex;

pub fn free(lock: &Ordered<Mutex<u32>>, node: Node<'_>, cx: &mut MaySleep) {
    let mut held = lock.lock_in(cx);
    let (_, inner) = held.inner();
    node.free(inner); //~ E0277
}

baton::level::levels! {
    pub mod order {
        Above,
        Below,
    }
}

pub type Node<'p> = Exclusive<'p, u32, u32, bool, order::Above>;
pub type Ordered<K> = baton::Ordered<order::Below, K>;
