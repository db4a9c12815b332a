// SPDX-License-Identifier: GPL-2.0

//! Entries that are locked, and who waits for them.

use super::look::{
    limited,
    until, //
};
use baton::{
    entry_map::{
        new_entry_map,
        DetachedEntry,
        EntryGuard,
        EntryMap,
        Order,
        Outcome,
        Slot, //
    },
    MaySleep,
    Thread, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic, //
        },
        Arc, //
    },
};

pub(crate) type Map = EntryMap<u64>;

pub(crate) fn map() -> Result<Arc<Map>> {
    Arc::pin_init(new_entry_map!(), GFP_KERNEL)
}

pub(crate) fn locked<'m>(
    map: &'m Map,
    cx: &mut MaySleep,
    index: usize,
) -> Result<DetachedEntry<'m, u64>> {
    let at = map.at(cx, limited(), index, Order::Pte, |slot| match slot {
        Slot::Vacant => Outcome::InsertLocked(0),
        Slot::Unlocked(_) => Outcome::Lock,
        Slot::Conflict(_) => Outcome::Leave,
    })?;
    at.locked().map(EntryGuard::detach).ok_or(EIO)
}

/// A thread that locks an entry, and unlocks it when `go` is set.
pub(crate) fn locker(
    cx: &mut MaySleep,
    map: &Arc<Map>,
    index: usize,
    go: &Arc<Atomic<u32>>,
) -> Result<Thread> {
    let (map, go) = (map.clone(), go.clone());
    Thread::spawn(cx, c"registry_kunit", move |cx, _| {
        let guard = map.lock(cx, limited(), index);
        until(|| go.load(Acquire) != 0);
        drop(guard);
    })
}
