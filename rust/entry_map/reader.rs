// SPDX-License-Identifier: GPL-2.0

//! Entries that several tasks have at a time, none of which changes them.

use super::{
    acquire::Had,
    hold::{
        Detached,
        Hold,
        InHand, //
    },
    place::TreeWord,
    state::{
        Content,
        Granule, //
    },
    tree::Tree,
    value::{
        Mark,
        Value, //
    },
};
use crate::{
    context::MaySleep,
    level::{
        Level,
        Unordered, //
    },
    registry::{
        self,
        Kind, //
    },
};
use core::{
    fmt,
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr, //
};

/// An entry that the task shares, and has in its hands.
///
/// It is to the order of locks what an [`EntryGuard`](super::EntryGuard) is: the task takes and waits for
/// what stands below the map only, with [`SharedEntry::inner`]. It cannot wait for its own entry, nor for
/// another one of that level.
///
/// Dropping it gives the entry up, in any context; `mem::forget` leaves it shared for ever.
pub type SharedEntryGuard<'a, 'c, V, L = Unordered> = SharedEntry<'a, V, InHand<'a, 'c, L>>;

/// An entry that is shared by whoever has this value: see [`DetachedEntry`](super::DetachedEntry) for what
/// that means, also for a task that waits to own what it shares itself: it waits for itself, which nothing
/// refuses.
///
/// Dropping it gives the entry up, in any context; `mem::forget` leaves it shared for ever.
pub type DetachedSharedEntry<'a, V, L = Unordered> = SharedEntry<'a, V, Detached<L>>;

/// A shared entry: [`SharedEntryGuard`], or [`DetachedSharedEntry`].
///
/// While it is shared the entry is not removed, not split, and its value stays what it is. Others can share
/// it as well, up to 1023 at a time. Whoever wants it alone waits until all have given it up, and from then
/// on nobody else comes to share it: so readers do not starve a writer.
///
/// `fs/dax.c` has only one kind of lock, and keeps an entry locked while it maps the page. To share it is
/// right for a reader because all that it needs is that the value stays: the page that it stands for is
/// freed and changed by the owner of the entry only, and there is none.
///
/// Dropping it gives the entry up, and the last one hands it over to those who wait: to an owner, or to all
/// who wait to share it, up to the first one who does not. `mem::forget` leaves it shared for ever: others
/// share it, nobody owns it. The map reports it when it is torn down.
///
/// # Invariants
///
/// The entry of `granule` in `tree` is there, and this is one of its readers. `word` is its word, if any.
#[must_use = "the entry is given up immediately when the guard is unused"]
pub struct SharedEntry<'a, V: Value, H: Hold> {
    tree: &'a Tree,
    word: Option<TreeWord>,
    granule: Granule,
    content: Content,
    hold: H,
    _value: PhantomData<fn(V) -> V>,
}

impl<'a, V: Value, H: Hold> SharedEntry<'a, V, H> {
    /// The caller shares the entry, and leaves that to the guard.
    #[inline]
    #[track_caller]
    pub(super) fn new(tree: &'a Tree, had: Had, hold: H) -> Self {
        registry::owe(Kind::Entry, tree.object(had.granule));
        // INVARIANT: The caller sees to it.
        Self {
            tree,
            word: had.word,
            granule: had.granule,
            content: had.raw.content(),
            hold,
            _value: PhantomData,
        }
    }

    /// Returns what the entry stands for.
    ///
    /// Context: any.
    #[inline]
    pub fn value(&self) -> V {
        V::from_bits(self.content.value)
    }

    /// Returns whether this is a zero entry.
    ///
    /// Context: any.
    #[inline]
    pub fn is_zero(&self) -> bool {
        self.content.zero
    }

    /// Returns where the entry is.
    ///
    /// Context: any.
    #[inline]
    pub fn granule(&self) -> Granule {
        self.granule
    }

    /// Returns whether the entry has a mark.
    ///
    /// Context: any.
    pub fn is_marked(&self, mark: Mark) -> bool {
        self.tree.marks_owned(self.granule).has(mark)
    }

    /// Gives the entry up; the same as dropping the guard.
    ///
    /// Context: any.
    #[inline]
    pub fn unlock(self) {}
}

impl<L: Level, V: Value> SharedEntryGuard<'_, '_, V, L> {
    /// Returns the capability to sleep while the entry is shared: for what stands below the map.
    ///
    /// Context: may sleep, though this does not.
    #[inline]
    pub fn inner(&mut self) -> &mut MaySleep<L> {
        &mut self.hold.inner
    }
}

impl<'a, L: Level, V: Value> SharedEntryGuard<'a, '_, V, L> {
    /// Leaves the shared entry to whoever gets the returned value; the capability is free again.
    ///
    /// Context: any.
    #[inline]
    pub fn detach(self) -> DetachedSharedEntry<'a, V, L> {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not dropped and not used afterwards; what else is in it has no destructor.
        drop(unsafe { ptr::read(&this.hold) });
        // INVARIANT: It was this one's.
        SharedEntry {
            tree: this.tree,
            word: this.word,
            granule: this.granule,
            content: this.content,
            hold: Detached::new(),
            _value: PhantomData,
        }
    }
}

impl<V: Value, H: Hold> Drop for SharedEntry<'_, V, H> {
    #[inline]
    fn drop(&mut self) {
        registry::paid(self.tree.object(self.granule));
        self.tree.leave(self.word, self.granule);
    }
}

impl<V: Value, H: Hold> fmt::Debug for SharedEntry<'_, V, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedEntry({:?})", self.granule)
    }
}
