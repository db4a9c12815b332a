// SPDX-License-Identifier: GPL-2.0

//! Locked entries: in the hands of the task that has locked them, or of whoever gets them.

use super::{
    acquire::Had,
    hold::{
        Detached,
        Hold,
        InHand, //
    },
    place::TreeWord,
    slot::At,
    state::{
        Content,
        End,
        Granule, //
    },
    tree::Tree,
    value::{
        content,
        Mark,
        Marks,
        Value, //
    },
    visit::Visit, //
};
use crate::{
    level::Unordered,
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
use kernel::prelude::*;

/// An entry that the task has locked, and has in its hands.
///
/// It has borrowed the capability to sleep, and gives a lower one, [`EntryGuard::inner`]: with it the
/// task takes and waits for what stands below `L`, the level of the map. So it cannot wait for an entry
/// of this map or of another one of that level, for an operation on a range, or for anything above.
/// Further entries of the same map are locked through the guard, in the order of their indices:
/// [`EntryGuard::lock_next`].
///
/// It cannot wait for its own entry either: that is of the same level.
///
/// Dropping the guard unlocks the entry, by handing it over to the oldest task that waits for it.
/// That takes the map's lock, which is irq-safe, and so can be done in any context.
///
/// To give the entry to another task, or to an interrupt handler: [`EntryGuard::detach`].
///
/// `mem::forget` leaves the entry locked for ever: whoever waits for it uninterruptibly sleeps for
/// ever. It is memory safe. The map reports it when it is torn down, and lockdep when the task exits.
#[doc(alias("dax_lock_entry", "dax_unlock_entry"))]
pub type EntryGuard<'a, 'c, V, L = Unordered> = LockedEntry<'a, V, InHand<'a, 'c, L>>;

/// An entry that is locked and in nobody's hands: another task, or an interrupt handler, unlocks it.
///
/// It is `Send`, borrows the map only, and with [`DetachedEntry::owned_by`] not even that. It may be
/// dropped in any context and under any lock, also in a closure that the same map has called.
///
/// No type and no error keeps the task that detached an entry from waiting for it with the value still
/// in its hands: it would be right to wait if another task had the value. What helps then is a form of
/// waiting that ends, and the [registry](crate::registry), which names the task as the one that owes
/// the wake. Do not detach what you unlock yourself.
///
/// Dropping it unlocks the entry. `mem::forget` leaves it locked, as with [`EntryGuard`].
pub type DetachedEntry<'a, V, L = Unordered> = LockedEntry<'a, V, Detached<L>>;

/// A locked entry: [`EntryGuard`], or [`DetachedEntry`].
///
/// Dropping it unlocks the entry; `mem::forget` leaves the entry locked for ever. A task cannot wait for
/// an entry that it has itself in hand. That it waits for one that it has itself detached is refused by
/// nothing, and seen in the registry.
///
/// # Invariants
///
/// The entry of `granule` in `tree` is there, is locked, and this is its owner. `word` is its word, if any.
#[must_use = "the entry is unlocked immediately when the guard is unused"]
pub struct LockedEntry<'a, V: Value, H: Hold> {
    pub(super) tree: &'a Tree,
    word: Option<TreeWord>,
    pub(super) granule: Granule,
    pub(super) content: Content,
    pub(super) hold: H,
    _value: PhantomData<fn(V) -> V>,
}

impl<'a, V: Value, H: Hold> LockedEntry<'a, V, H> {
    /// Makes what a visit of `tree` has returned.
    ///
    /// If the visit has locked an entry, that is left to the guard.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if what was asked for was impossible.
    #[inline]
    #[track_caller]
    pub(super) fn at(
        tree: &'a Tree,
        visit: Visit,
        hold: impl FnOnce() -> H,
    ) -> Result<At<V, Self>> {
        Ok(match visit.end {
            End::Left => At::Left,
            End::Stored => At::Stored,
            End::Removed(raw) => At::Removed(V::from_bits(raw.content().value)),
            End::Locked(raw) => {
                let had = Had {
                    raw,
                    // A visit that has locked an entry says where.
                    granule: visit.granule.ok_or(EINVAL)?,
                    word: visit.word,
                };
                At::Locked(Self::new(tree, had, hold()))
            }
            End::Illegal => return Err(EINVAL),
        })
    }

    /// The caller owns the entry, and leaves it to the guard.
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

    /// Leaves the entry to the caller, who does not hold it as before.
    #[inline]
    pub(super) fn hand<I: Hold>(self, hold: I) -> LockedEntry<'a, V, I> {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not dropped and not used afterwards; what else is in it has no destructor.
        drop(unsafe { ptr::read(&this.hold) });
        // INVARIANT: It was this one's.
        LockedEntry {
            tree: this.tree,
            word: this.word,
            granule: this.granule,
            content: this.content,
            hold,
            _value: PhantomData,
        }
    }

    /// Tells the registry that the entry is going to be released.
    #[inline(always)]
    pub(super) fn paid(&self) {
        registry::paid(self.tree.object(self.granule));
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

    /// Gives the entry another value; it is not a zero entry then.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if the value has more than 48 bits.
    #[inline]
    pub fn set(&mut self, value: V) -> Result {
        self.set_content(value, false)
    }

    /// Makes this a zero entry with `value`.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if the value has more than 48 bits.
    #[inline]
    pub fn set_zero(&mut self, value: V) -> Result {
        self.set_content(value, true)
    }

    fn set_content(&mut self, value: V, zero: bool) -> Result {
        // Nobody but the owner looks at the content of a locked entry, so it is stored on unlock.
        self.content = content(value, zero).ok_or(EINVAL)?;
        Ok(())
    }

    /// Sets a mark. It is there when this returns, for whoever looks for marked entries.
    ///
    /// Context: any.
    #[doc(alias = "xas_set_mark")]
    pub fn mark(&mut self, mark: Mark) {
        self.tree.mark_owned(self.granule, mark.into(), true);
    }

    /// Clears a mark.
    ///
    /// Context: any.
    #[doc(alias = "xas_clear_mark")]
    pub fn clear(&mut self, mark: Mark) {
        self.tree.mark_owned(self.granule, mark.into(), false);
    }

    /// Returns whether the entry has a mark.
    ///
    /// Context: any.
    pub fn is_marked(&self, mark: Mark) -> bool {
        self.tree.marks_owned(self.granule).has(mark)
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
        if mark != Mark::Dirty {
            return self.release_marked(mark.into(), Marks::NONE);
        }
        self.paid();
        self.tree
            .release_dirty(self.word, self.granule, self.content);
        self.has_gone();
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
        self.tree
            .release_marked(self.granule, self.content, set, clear);
        self.has_gone();
    }

    /// Removes the entry, and returns what it stood for. Everybody who waits for it looks again.
    ///
    /// Context: any.
    #[doc(alias = "dax_delete_mapping_entry")]
    #[inline]
    pub fn remove(self) -> V {
        self.paid();
        self.tree.remove_owned(self.granule);
        let value = self.value();
        self.has_gone();
        value
    }

    /// Forgets the entry, which is not this guard's any more.
    #[inline]
    pub(super) fn has_gone(self) {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not dropped and not used afterwards.
        drop(unsafe { ptr::read(&this.hold) });
    }
}

impl<V: Value, H: Hold> Drop for LockedEntry<'_, V, H> {
    #[inline]
    fn drop(&mut self) {
        self.paid();
        if H::IS_IN_HAND {
            // Not inside of the map: an entry in hand is not `Send`, and so in no closure of a visit.
            self.tree.release(self.word, self.granule, self.content);
        } else {
            self.tree
                .release_anywhere(self.word, self.granule, self.content);
        }
    }
}

impl<V: Value, H: Hold> fmt::Debug for LockedEntry<'_, V, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LockedEntry({:?})", self.granule)
    }
}
