// SPDX-License-Identifier: GPL-2.0

//! This library's way to lock entries: a map whose guards hand over.

use baton::{
    entry_map::{
        new_entry_map,
        EntryMap,
        Order,
        Outcome, //
    },
    event::Uninterruptible,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

const ENTRIES: usize = 1024;

/// A map that is full, and how often an entry of it was locked.
#[pin_data]
pub(crate) struct Entries {
    #[pin]
    map: EntryMap<u64>,
    locked: Atomic<u64>,
}

impl Entries {
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            map <- new_entry_map!(),
            locked: Atomic::new(0),
        })
    }

    /// Makes all entries.
    pub(crate) fn fill(&self, cx: &mut MaySleep) -> Result {
        for index in 0..ENTRIES {
            let _ = self.map.at(cx, Uninterruptible, index, Order::Pte, |_| {
                Outcome::Insert(index as u64)
            })?;
        }
        Ok(())
    }

    /// Locks and unlocks one entry after the other.
    pub(crate) fn run(&self, cx: &mut MaySleep, ops: u64) -> Result {
        let mut locked = 0;
        for index in (0..ENTRIES).cycle().take(ops as usize) {
            if let Some(entry) = self.map.lock(cx, Uninterruptible, index)? {
                locked += 1;
                entry.unlock();
            }
        }
        self.locked.store(self.locked() + locked, Relaxed);
        Ok(())
    }

    pub(crate) fn locked(&self) -> u64 {
        self.locked.load(Relaxed)
    }
}
