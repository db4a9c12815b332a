// SPDX-License-Identifier: GPL-2.0

//! The twin of `freed_with_something_held.fail.rs`: one line apart, and it compiles.

#[path = "cache.rs"]
mod shared;
use shared::*;

use kernel::sync::Mutex;

pub fn free(lock: &Ordered<Mutex<u32>>, node: Node<'_>, cx: &mut MaySleep) {
    let mut held = lock.lock_in(cx);
    let (_, inner) = held.inner();
    let _ = (node, inner);
}

baton::level::levels! {
    pub mod order {
        Above,
        Below,
    }
}

pub type Node<'p> = Exclusive<'p, u32, u32, bool, order::Above>;
pub type Ordered<K> = baton::Ordered<order::Below, K>;
