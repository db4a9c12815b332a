// SPDX-License-Identifier: GPL-2.0

//! A queue with room that was allocated beforehand.

use kernel::prelude::*;

/// First in, first out. Nothing but [`Fifo::new`] allocates.
pub(crate) struct Fifo<T> {
    /// The `len` of them from `first` on, around the end, are in use.
    slots: KVVec<Option<T>>,
    first: usize,
    len: usize,
}

impl<T> Fifo<T> {
    /// Makes an empty one with room for `room`.
    pub(crate) fn new(room: usize) -> Result<Self> {
        let mut slots = KVVec::with_capacity(room, GFP_KERNEL)?;
        for _ in 0..room {
            slots.push(None, GFP_KERNEL)?;
        }
        Ok(Self {
            slots,
            first: 0,
            len: 0,
        })
    }

    /// Returns how many are in it.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Returns whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn slot(&mut self, at: usize) -> Option<&mut Option<T>> {
        let room = self.slots.len();
        self.slots.get_mut((self.first + at) % room.max(1))
    }

    /// Returns the oldest one.
    pub(crate) fn front(&self) -> Option<&T> {
        self.slots.get(self.first)?.as_ref()
    }

    /// Puts one in; it comes back if there is no room.
    pub(crate) fn push(&mut self, item: T) -> Result<(), T> {
        if self.len == self.slots.len() {
            return Err(item);
        }
        match self.slot(self.len) {
            Some(slot) => *slot = Some(item),
            None => return Err(item),
        }
        self.len += 1;
        Ok(())
    }

    /// Takes the oldest one out.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let item = self.slot(0)?.take()?;
        self.first = (self.first + 1) % self.slots.len();
        self.len -= 1;
        Some(item)
    }
}
