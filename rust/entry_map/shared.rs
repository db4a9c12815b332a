// SPDX-License-Identifier: GPL-2.0

//! Locked entries that keep what holds their map.

use super::{
    guard::DetachedEntry,
    map::EntryMap,
    value::{
        Mark,
        Value, //
    },
};
use crate::level::{
    Level,
    Unordered, //
};
use core::{
    mem,
    ops::Deref,
    ptr, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

impl<'a, V: Value, L: Level> DetachedEntry<'a, V, L> {
    /// Makes a guard that is not tied to the borrow of the map, because it keeps what holds the map.
    ///
    /// `project` returns the map that is inside `owner`.
    ///
    /// # Errors
    ///
    /// Returns the guard if that is not the map of this entry.
    pub fn owned_by<T>(
        self,
        owner: Arc<T>,
        project: fn(&T) -> &EntryMap<V, L>,
    ) -> Result<OwnedEntryGuard<T, V, L>, Self> {
        // The map stays where `project` says for as long as `owner` is borrowed, and what an `Arc`
        // owns can be borrowed until the `Arc` is dropped.
        if !ptr::eq(&project(&owner).tree, self.tree) {
            return Err(self);
        }
        // SAFETY: `OwnedEntryGuard` drops the guard before the owner, and gives out the guard for the
        // time of a borrow of itself only, so that nothing outlives the map.
        let guard = unsafe {
            mem::transmute::<DetachedEntry<'a, V, L>, DetachedEntry<'static, V, L>>(self)
        };
        Ok(OwnedEntryGuard {
            guard,
            _owner: owner,
        })
    }
}

/// A locked entry whose guard keeps what holds the map: see [`DetachedEntry::owned_by`].
///
/// It is used like a [`DetachedEntry`], and dropped like one. It can be moved to another thread, or
/// into a structure beside the owner of the map.
///
/// If it is the last one to keep the owner, dropping it drops that: in a context that is fit for it.
/// `mem::forget` leaves the entry locked for ever, and leaks the owner.
#[must_use = "the entry is unlocked immediately when the guard is unused"]
pub struct OwnedEntryGuard<T, V: Value, L: Level = Unordered> {
    // Dropped first. Its lifetime is not true: it is that of `_owner`.
    guard: DetachedEntry<'static, V, L>,
    _owner: Arc<T>,
}

// There is no `DerefMut`: the guard inside could be swapped for one of another map, and survive its
// owner.
impl<T, V: Value, L: Level> OwnedEntryGuard<T, V, L> {
    /// Gives the entry another value: see [`LockedEntry::set`](super::LockedEntry::set).
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if the value has more than 48 bits.
    #[inline]
    pub fn set(&mut self, value: V) -> Result {
        self.guard.set(value)
    }

    /// Sets a mark: see [`LockedEntry::mark`](super::LockedEntry::mark).
    ///
    /// Context: any.
    #[inline]
    pub fn mark(&mut self, mark: Mark) {
        self.guard.mark(mark);
    }

    /// Removes the entry: see [`LockedEntry::remove`](super::LockedEntry::remove).
    ///
    /// Context: any.
    #[inline]
    pub fn remove(self) -> V {
        let Self { guard, _owner } = self;
        guard.remove()
    }

    /// Sets a mark and unlocks the entry: see
    /// [`LockedEntry::unlock_marked`](super::LockedEntry::unlock_marked).
    ///
    /// Context: any.
    #[inline]
    pub fn unlock_marked(self, mark: Mark) {
        let Self { guard, _owner } = self;
        guard.unlock_marked(mark);
    }
}

impl<T, V: Value, L: Level> Deref for OwnedEntryGuard<T, V, L> {
    type Target = DetachedEntry<'static, V, L>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.guard
    }
}
