// SPDX-License-Identifier: GPL-2.0

//! What a closure sees, what it asks for, and what came of it.

use super::{
    locked::Look,
    state::{
        Action,
        Content,
        Granule,
        Seen, //
    },
    value::{
        content,
        Mark,
        Marks,
        Value, //
    },
};
use core::marker::PhantomData;

/// An entry that is not locked by anybody else, as a closure sees it.
///
/// Context of its functions: any, unless they say otherwise.
#[derive(Clone, Copy)]
pub struct Entry<V> {
    content: Content,
    granule: Granule,
    marks: Marks,
    _value: PhantomData<V>,
}

impl<V: Value> Entry<V> {
    /// Returns what the entry stands for.
    #[inline]
    pub fn value(&self) -> V {
        V::from_bits(self.content.value)
    }

    /// Returns whether this is a zero entry: one that reads as zeroes.
    #[inline]
    pub fn is_zero(&self) -> bool {
        self.content.zero
    }

    /// Returns where the entry is. It can be larger than what was asked for.
    #[inline]
    pub fn granule(&self) -> Granule {
        self.granule
    }

    /// Returns whether the entry has a mark.
    #[inline]
    pub fn is_marked(&self, mark: Mark) -> bool {
        self.marks.has(mark)
    }

    /// Returns whether the entry has no mark.
    #[inline]
    pub fn is_clean(&self) -> bool {
        self.marks.0 == 0
    }
}

/// What a closure sees.
///
/// It is a value, and cannot wait for itself: whoever has it is under the map's lock.
///
/// Dropping it, or `mem::forget`, does nothing.
pub enum Slot<V> {
    /// There is no entry.
    Vacant,
    /// There are entries, and they are smaller than what was asked for: one of them is here. Whether
    /// it is locked was not looked at.
    Conflict(Granule),
    /// There is an entry that covers what was asked for, and no other task owns it.
    Unlocked(Entry<V>),
}

impl<V: Value> Slot<V> {
    #[inline]
    pub(super) fn new(look: &Look) -> Self {
        match (look.seen, look.granule) {
            (Seen::Free(raw) | Seen::Mine(raw), Some(granule)) => Slot::Unlocked(Entry {
                content: raw.content(),
                granule,
                marks: look.marks,
                _value: PhantomData,
            }),
            (Seen::Conflict, Some(granule)) => Slot::Conflict(granule),
            _ => Slot::Vacant,
        }
    }
}

/// What to do with what was seen. Who is woken follows from it.
///
/// | outcome               | `Vacant` | `Conflict` | `Unlocked` |
/// |-----------------------|----------|------------|------------|
/// | `Leave`               | ok       | ok         | ok         |
/// | `Lock`                | `EINVAL` | `EINVAL`   | ok         |
/// | `Insert*`             | ok       | `EINVAL`   | `EINVAL`   |
/// | `Replace*`            | `EINVAL` | `EINVAL`   | ok         |
/// | `Clean`               | `EINVAL` | `EINVAL`   | ok         |
/// | `Remove`              | `EINVAL` | `EINVAL`   | ok         |
///
/// With `EINVAL` nothing has changed. It is also returned for a value of more than 48 bits.
///
/// Dropping it, or `mem::forget`, does nothing: nothing has been done.
#[must_use = "an outcome does nothing by itself: return it from the closure"]
pub enum Outcome<V> {
    /// Do nothing.
    Leave,
    /// Lock the entry.
    Lock,
    /// Make an entry of the order that was asked for, unlocked.
    Insert(V),
    /// Make an entry, locked.
    InsertLocked(V),
    /// Make a zero entry, unlocked.
    InsertZero(V),
    /// Make a zero entry, locked.
    InsertZeroLocked(V),
    /// Give the entry another value, and leave it unlocked. It is not a zero entry then.
    Replace(V),
    /// Make the entry a zero entry, and leave it unlocked.
    ReplaceZero(V),
    /// Take all marks from the entry, and leave it as it is otherwise.
    Clean,
    /// Remove the entry.
    Remove,
}

impl<V: Value> Outcome<V> {
    /// Returns the action; `None` if there is a value that does not fit.
    #[inline]
    pub(super) fn action(self) -> Option<Action> {
        let insert = |value, zero, lock| {
            content(value, zero).map(|content| Action::Insert { content, lock })
        };
        Some(match self {
            Outcome::Leave => Action::Leave,
            Outcome::Lock => Action::Lock,
            Outcome::Remove => Action::Remove,
            Outcome::Clean => Action::Clean,
            Outcome::Insert(value) => insert(value, false, false)?,
            Outcome::InsertLocked(value) => insert(value, false, true)?,
            Outcome::InsertZero(value) => insert(value, true, false)?,
            Outcome::InsertZeroLocked(value) => insert(value, true, true)?,
            Outcome::Replace(value) => Action::Replace(content(value, false)?),
            Outcome::ReplaceZero(value) => Action::Replace(content(value, true)?),
        })
    }
}

/// What came of an [`Outcome`]; `G` is the guard of an entry that is locked.
///
/// Dropping it drops the guard, which unlocks the entry; `mem::forget` leaves the entry locked for ever.
/// While it has an entry in hand, the capability is borrowed, so that its task cannot wait for itself.
#[must_use = "it may hold a locked entry"]
#[derive(Debug)]
pub enum At<V, G> {
    /// Nothing has changed.
    Left,
    /// An entry was made, has got another value or has lost its marks, and is unlocked.
    Stored,
    /// The entry is locked.
    Locked(G),
    /// The entry is gone; this is what it stood for.
    Removed(V),
}

impl<V, G> At<V, G> {
    /// Returns the guard, if the entry is locked.
    ///
    /// Context: any.
    #[inline]
    pub fn locked(self) -> Option<G> {
        match self {
            At::Locked(guard) => Some(guard),
            _ => None,
        }
    }

    /// Does something to the guard, if the entry is locked.
    ///
    /// Context: that of `f`.
    #[inline]
    pub fn map_locked<H>(self, f: impl FnOnce(G) -> H) -> At<V, H> {
        match self {
            At::Left => At::Left,
            At::Stored => At::Stored,
            At::Locked(guard) => At::Locked(f(guard)),
            At::Removed(value) => At::Removed(value),
        }
    }
}
