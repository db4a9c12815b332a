// SPDX-License-Identifier: GPL-2.0

//! Several pinned nodes, with room that was made before the lock was taken.

use super::{
    handle::Pinned,
    key::{
        Key,
        Note, //
    },
};
use crate::{
    context::MaySleep,
    level::{
        Level,
        Unordered, //
    },
};
use core::ops::Deref;
use kernel::{
    alloc::{
        Flags,
        KVec, //
    },
    prelude::*,
};

/// What [`PoolGuard::select`] has picked: pins of at most as many nodes as there is room for.
///
/// Dropping it unpins them; `mem::forget` leaks the pins. A task whose batch has pins of a node may wait for
/// that node itself, in vain: see [`Pinned`].
///
/// [`PoolGuard::select`]: super::PoolGuard::select
pub struct Batch<'p, K: Key, N: Send + 'static, M: Note = (), L: Level = Unordered> {
    pins: KVec<Pinned<'p, K, N, M, L>>,
    room: usize,
}

impl<'p, K: Key, N: Send + 'static, M: Note, L: Level> Batch<'p, K, N, M, L> {
    /// Makes room for `room` pins.
    ///
    /// Context: may sleep, as `flags` say.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn with_capacity<C: Level>(
        _cx: &mut MaySleep<C>,
        room: usize,
        flags: Flags,
    ) -> Result<Self> {
        Ok(Self {
            pins: KVec::with_capacity(room, flags)?,
            room,
        })
    }

    /// Returns whether there is no room left.
    ///
    /// Context: any.
    pub fn is_full(&self) -> bool {
        self.pins.len() >= self.room
    }

    /// Takes one pin out; the last one first.
    ///
    /// Context: any.
    pub fn pop(&mut self) -> Option<Pinned<'p, K, N, M, L>> {
        self.pins.pop()
    }

    /// Unpins all; the room stays.
    ///
    /// Context: any, as the destructor of a pin.
    pub fn clear(&mut self) {
        self.pins.clear();
    }

    /// Adds a pin; the caller has seen that there is room.
    pub(super) fn push(&mut self, pin: Pinned<'p, K, N, M, L>) {
        // A pin for which there were no room would be dropped: it would not be leaked.
        let _ = self.pins.push_within_capacity(pin);
    }
}

impl<'p, K: Key, N: Send + 'static, M: Note, L: Level> Deref for Batch<'p, K, N, M, L> {
    type Target = [Pinned<'p, K, N, M, L>];

    fn deref(&self) -> &Self::Target {
        &self.pins
    }
}
