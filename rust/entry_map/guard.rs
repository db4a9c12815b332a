// SPDX-License-Identifier: GPL-2.0

//! Locked entries.

use super::{
    state::{
        Content,
        Granule, //
    },
    tree::Tree,
    EntryMap,
    Mark,
    Marks,
    Value, //
};
use crate::{
    context::MaySleep,
    level::Level,
    registry::{
        self,
        Kind, //
    },
};
use core::{
    fmt,
    marker::PhantomData,
    mem,
    ops::Deref,
    ptr, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// A locked entry: this guard owns it.
///
/// Dropping the guard unlocks the entry, by handing it over to the oldest task that waits for it.
/// That takes the map's lock, which is irq-safe, and so can be done in any context: the guard may be
/// dropped in an interrupt handler, and by another task than the one that locked the entry. It is
/// `Send` for that; with [`EntryGuard::owned_by`] it can also outlive the borrow of the map.
///
/// While the entry is locked the guard may sleep, take locks, and lock other entries. Tasks that lock
/// several entries must agree on an order, as with any lock; the order of their indices is one.
///
/// `mem::forget` leaves the entry locked for ever: whoever waits for it uninterruptibly sleeps for
/// ever. It is memory safe. The map reports it when it is torn down.
///
/// # Invariants
///
/// The entry of `granule` in `tree` is there, is locked, and this guard is its owner.
#[must_use = "the entry is unlocked immediately when the guard is unused"]
#[doc(alias("dax_lock_entry", "dax_unlock_entry"))]
pub struct EntryGuard<'a, V: Value> {
    tree: &'a Tree,
    granule: Granule,
    content: Content,
    _value: PhantomData<fn(V) -> V>,
}

impl<'a, V: Value> EntryGuard<'a, V> {
    /// Makes the guard of an entry.
    ///
    /// The caller owns the entry of `granule` in `tree`, which stands for `content`, and leaves that to
    /// the guard.
    #[inline]
    #[track_caller]
    pub(super) fn new(tree: &'a Tree, granule: Granule, content: Content) -> Self {
        registry::owe(Kind::Entry, tree.object(granule));
        // INVARIANT: The caller sees to it.
        Self {
            tree,
            granule,
            content,
            _value: PhantomData,
        }
    }

    /// Tells the registry that the entry is going to be released.
    #[inline(always)]
    fn paid(&self) {
        registry::paid(self.tree.object(self.granule));
    }

    #[inline]
    fn tree(&self) -> &'a Tree {
        self.tree
    }

    /// Returns what the entry stands for.
    #[inline]
    pub fn value(&self) -> V {
        V::from_bits(self.content.value)
    }

    /// Returns whether this is a zero entry.
    #[inline]
    pub fn is_zero(&self) -> bool {
        self.content.zero
    }

    /// Returns where the entry is.
    #[inline]
    pub fn granule(&self) -> Granule {
        self.granule
    }

    /// Gives the entry another value; it is not a zero entry then.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if the value has more than 56 bits.
    #[inline]
    pub fn set(&mut self, value: V) -> Result {
        self.set_content(value, false)
    }

    /// Makes this a zero entry with `value`.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if the value has more than 56 bits.
    #[inline]
    pub fn set_zero(&mut self, value: V) -> Result {
        self.set_content(value, true)
    }

    fn set_content(&mut self, value: V, zero: bool) -> Result {
        // Nobody but the owner looks at the content of a locked entry, so it is stored on unlock.
        self.content = super::content(value, zero).ok_or(EINVAL)?;
        Ok(())
    }

    /// Sets a mark. It is there when this returns, for whoever looks for marked entries.
    ///
    /// Context: any.
    #[doc(alias = "xas_set_mark")]
    pub fn mark(&mut self, mark: Mark) {
        self.tree().mark_owned(self.granule, mark.into(), true);
    }

    /// Clears a mark.
    ///
    /// Context: any.
    #[doc(alias = "xas_clear_mark")]
    pub fn clear(&mut self, mark: Mark) {
        self.tree().mark_owned(self.granule, mark.into(), false);
    }

    /// Returns whether the entry has a mark.
    ///
    /// Context: any.
    pub fn is_marked(&self, mark: Mark) -> bool {
        self.tree().marks_owned(self.granule).has(mark)
    }

    /// Unlocks the entry; the same as dropping the guard.
    ///
    /// Context: any.
    #[inline]
    pub fn unlock(self) {}

    /// Sets a mark and unlocks the entry, in one step.
    ///
    /// Context: any.
    #[inline]
    pub fn unlock_marked(self, mark: Mark) {
        self.release_marked(mark.into(), Marks::NONE);
    }

    /// Clears all marks and unlocks the entry, in one step.
    ///
    /// Context: any.
    #[inline]
    pub fn unlock_clean(self) {
        self.release_marked(Marks::NONE, Marks::ALL);
    }

    #[inline]
    fn release_marked(self, set: Marks, clear: Marks) {
        self.paid();
        self.tree()
            .release_marked(self.granule, self.content, set, clear);
        // The entry is not this guard's any more.
        mem::forget(self);
    }

    /// Removes the entry, and returns what it stood for. Everybody who waits for it looks again.
    ///
    /// Context: any.
    #[doc(alias = "dax_delete_mapping_entry")]
    #[inline]
    pub fn remove(self) -> V {
        self.paid();
        self.tree().remove_owned(self.granule);
        let value = self.value();
        // There is no entry any more.
        mem::forget(self);
        value
    }

    /// Splits an entry of [`Order::Pmd`] into 512 of [`Order::Pte`], and unlocks them.
    ///
    /// `f` returns the value for an index. It runs under the map's lock: see [`EntryMap::at`]. The new
    /// entries have the marks of the old one; they are zero entries if it was one. Everybody who waits
    /// for the old one looks again.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// Returns the guard, and the entry as it was, with [`EINVAL`] if the entry is of
    /// [`Order::Pte`], [`EINVAL`] if one of the values has more than 56 bits, or [`ENOMEM`].
    ///
    /// [`Order::Pte`]: super::Order::Pte
    /// [`Order::Pmd`]: super::Order::Pmd
    #[track_caller]
    pub fn split<C: Level>(
        self,
        _cx: &mut MaySleep<C>,
        mut f: impl FnMut(usize) -> V,
    ) -> Result<(), SplitError<'a, V>> {
        let zero = self.content.zero;
        self.paid();
        match self
            .tree()
            .split_owned(self.granule, self.content, |index| {
                super::content(f(index), zero)
            }) {
            Ok(()) => {
                // The entry is gone.
                mem::forget(self);
                Ok(())
            }
            Err(error) => {
                registry::owe(Kind::Entry, self.tree.object(self.granule));
                Err(SplitError { guard: self, error })
            }
        }
    }

    /// Makes a guard that is not tied to the borrow of the map, because it keeps what holds the map.
    ///
    /// `project` returns the map that is inside `owner`.
    ///
    /// # Errors
    ///
    /// Returns the guard if that is not the map of this entry.
    pub fn owned_by<T, L: Level>(
        self,
        owner: Arc<T>,
        project: fn(&T) -> &EntryMap<V, L>,
    ) -> Result<OwnedEntryGuard<T, V>, Self> {
        // The map stays where `project` says for as long as `owner` is borrowed, and what an `Arc`
        // owns can be borrowed until the `Arc` is dropped.
        if !ptr::eq(&project(&owner).tree, self.tree) {
            return Err(self);
        }
        // SAFETY: `OwnedEntryGuard` drops the guard before the owner, and gives out the guard for the
        // time of a borrow of itself only, so that nothing outlives the map.
        let guard = unsafe { mem::transmute::<EntryGuard<'a, V>, EntryGuard<'static, V>>(self) };
        Ok(OwnedEntryGuard {
            guard,
            _owner: owner,
        })
    }
}

impl<V: Value> Drop for EntryGuard<'_, V> {
    #[inline]
    fn drop(&mut self) {
        self.paid();
        self.tree().release(self.granule, self.content);
    }
}

impl<V: Value> fmt::Debug for EntryGuard<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntryGuard({:?})", self.granule)
    }
}

/// A split that failed: why, and the guard of the entry, which is as it was.
#[derive(Debug)]
pub struct SplitError<'a, V: Value> {
    /// The guard.
    pub guard: EntryGuard<'a, V>,
    /// Why.
    pub error: Error,
}

impl<V: Value> From<SplitError<'_, V>> for Error {
    fn from(error: SplitError<'_, V>) -> Self {
        error.error
    }
}

/// A locked entry whose guard keeps what holds the map: see [`EntryGuard::owned_by`].
///
/// It is used like an [`EntryGuard`], and dropped like one. It can be moved to another thread, or
/// into a structure beside the owner of the map.
#[must_use = "the entry is unlocked immediately when the guard is unused"]
pub struct OwnedEntryGuard<T, V: Value> {
    // Dropped first. Its lifetime is not true: it is that of `_owner`.
    guard: EntryGuard<'static, V>,
    _owner: Arc<T>,
}

// There is no `DerefMut`: the guard inside could be swapped for one of another map, and survive its
// owner.
impl<T, V: Value> OwnedEntryGuard<T, V> {
    /// Gives the entry another value: see [`EntryGuard::set`].
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if the value has more than 56 bits.
    #[inline]
    pub fn set(&mut self, value: V) -> Result {
        self.guard.set(value)
    }

    /// Sets a mark: see [`EntryGuard::mark`].
    #[inline]
    pub fn mark(&mut self, mark: Mark) {
        self.guard.mark(mark);
    }

    /// Removes the entry: see [`EntryGuard::remove`].
    #[inline]
    pub fn remove(self) -> V {
        let Self { guard, _owner } = self;
        guard.remove()
    }

    /// Sets a mark and unlocks the entry: see [`EntryGuard::unlock_marked`].
    #[inline]
    pub fn unlock_marked(self, mark: Mark) {
        let Self { guard, _owner } = self;
        guard.unlock_marked(mark);
    }
}

impl<T, V: Value> Deref for OwnedEntryGuard<T, V> {
    type Target = EntryGuard<'static, V>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.guard
    }
}
