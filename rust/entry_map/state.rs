// SPDX-License-Identifier: GPL-2.0

//! Entry states: how an entry is encoded, and what each outcome does to it.
//!
//! This file has no kernel paths. The module compiles it as it stands, and `testing/model/` includes
//! the same file by `#[path]`. Everything in it is a function from values to values.
//!
//! # States
//!
//! ```text
//!            insert                    lock
//!   vacant ----------> unlocked <----------------> locked <--------> locked, waiters
//!      ^                  |            unlock        |     a waiter          |
//!      |      remove      |                          |     comes, the        |
//!      +------------------+--------------------------+     last one goes     |
//!      +---------------------------------------------------------------------+
//! ```
//!
//! *Locked* is: by one owner, or by up to [`Raw::MOST_READERS`] who share it. A shared entry is as a
//! locked one to everybody who wants it for themselves; another one who shares it comes in as long as
//! nobody waits.
//!
//! There is no arrow from "locked, waiters" to "unlocked": an unlock with waiters hands the lock
//! over, and the entry stays locked. So an unlocked entry has no waiters, and nobody who comes along
//! can take the lock before those who wait for it.

/// The size of an entry as the exponent of a number of indices. Only these two exist.
///
/// Context of its functions: any, unless they say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// One index: a page, 4 KiB.
    Pte,
    /// 512 aligned indices: a huge page, 2 MiB.
    Pmd,
}

impl Order {
    /// Returns the exponent: 0 or 9.
    #[inline]
    pub const fn shift(self) -> u32 {
        match self {
            Order::Pte => 0,
            Order::Pmd => 9,
        }
    }

    /// Returns the number of indices.
    #[expect(clippy::len_without_is_empty, reason = "no entry is empty")]
    #[inline]
    pub const fn len(self) -> usize {
        1 << self.shift()
    }
}

/// The base index and the order of an entry that was found: what tasks wait on.
///
/// A granule can only be had by looking at an entry: waiter and waker get theirs from the one
/// function that makes it out of what is in the tree. So they cannot disagree on what they wait for
/// and wake, as they do in C when one uses the index and order that were asked for and the other
/// those that were found (`23c84eb78375`).
///
/// Context of its functions: any, unless they say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granule {
    base: usize,
    order: Order,
}

impl Granule {
    /// Returns the granule of the entry `raw` that was found at `index`.
    #[inline]
    pub(super) const fn of(raw: Raw, index: usize) -> Self {
        let order = raw.order();
        Self {
            base: index & !(order.len() - 1),
            order,
        }
    }

    /// Returns the first index.
    #[inline]
    pub const fn base(self) -> usize {
        self.base
    }

    /// Returns the last index.
    #[inline]
    pub const fn last(self) -> usize {
        self.base | (self.order.len() - 1)
    }

    /// Returns the order.
    #[inline]
    pub const fn order(self) -> Order {
        self.order
    }
}

/// What an entry stands for: a value, and whether it reads as zeroes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content {
    /// The value, in [`Raw::VALUE_BITS`] bits.
    pub(super) value: u64,
    /// Whether this is a zero entry.
    pub(super) zero: bool,
}

/// An entry as it is in the tree.
///
/// # Invariants
///
/// - [`Raw::has_waiters`] implies [`Raw::is_locked`].
/// - An entry with an owner has no readers.
/// - The value has no more than [`Raw::VALUE_BITS`] bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Raw(u64);

impl Raw {
    const OWNED: u64 = 1 << 0;
    const WAITERS: u64 = 1 << 1;
    const ZERO: u64 = 1 << 2;
    const PMD: u64 = 1 << 3;
    const VALUE_SHIFT: u32 = 4;

    /// How many bits a value can have.
    pub(super) const VALUE_BITS: u32 = 48;

    const VALUE: u64 = (1 << Self::VALUE_BITS) - 1;
    const READER: u64 = 1 << (Self::VALUE_SHIFT + Self::VALUE_BITS);
    const READERS: u64 = Self::MOST_READERS * Self::READER;

    /// How many can share an entry.
    pub(super) const MOST_READERS: u64 = 1023;

    /// Makes an unlocked entry; `None` if the value is too large.
    #[inline]
    pub(super) const fn new(content: Content, order: Order) -> Option<Self> {
        let pmd = match order {
            Order::Pte => 0,
            Order::Pmd => Self::PMD,
        };
        // INVARIANT: Neither bit is set.
        Self(pmd).with(content)
    }

    /// Makes an entry of the bits that were in the tree.
    #[inline]
    pub(super) const fn from_bits(bits: u64) -> Self {
        // INVARIANT: What is in the tree was made by this type.
        Self(bits)
    }

    /// Returns the bits for the tree. The topmost bit is clear.
    #[inline]
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// Returns whether some task owns the entry, or some share it.
    #[inline]
    pub(super) const fn is_locked(self) -> bool {
        self.0 & (Self::OWNED | Self::READERS) != 0
    }

    /// Returns how many share the entry.
    #[inline]
    pub(super) const fn readers(self) -> u64 {
        (self.0 & Self::READERS) / Self::READER
    }

    /// Returns the entry as it is when one more has it; `None` if that cannot be.
    #[inline]
    pub(super) fn taken(self, access: Access) -> Option<Self> {
        match access {
            Access::Exclusive if !self.is_locked() => Some(self.owned()),
            Access::Shared if self.may_be_shared() => {
                // INVARIANT: It has no owner.
                Some(Self(self.0 + Self::READER))
            }
            Access::Exclusive | Access::Shared => None,
        }
    }

    #[inline]
    fn may_be_shared(self) -> bool {
        let free = self.0 & Self::OWNED == 0;
        // Who waits comes first.
        let next = !self.has_waiters();
        let room = self.readers() < Self::MOST_READERS;
        free && next && room
    }

    /// Returns the shared entry as it is when one reader less has it.
    #[inline]
    pub(super) const fn without_reader(self) -> Self {
        // INVARIANT: A waiter waits for the others, or takes its place: see `word.rs`.
        Self(self.0 - Self::READER)
    }

    /// Returns the entry as it is when `readers` share it.
    #[inline]
    pub(super) const fn shared_by(self, readers: u64) -> Self {
        // INVARIANT: It has no owner.
        Self(self.0 & !(Self::OWNED | Self::READERS) | readers * Self::READER)
    }

    /// Returns whether some task waits for the entry.
    #[inline]
    pub(super) const fn has_waiters(self) -> bool {
        self.0 & Self::WAITERS != 0
    }

    /// Returns the order.
    #[inline]
    pub(super) const fn order(self) -> Order {
        if self.0 & Self::PMD != 0 {
            Order::Pmd
        } else {
            Order::Pte
        }
    }

    /// Returns what the entry stands for.
    #[inline]
    pub(super) const fn content(self) -> Content {
        Content {
            value: self.0 >> Self::VALUE_SHIFT & Self::VALUE,
            zero: self.0 & Self::ZERO != 0,
        }
    }

    /// Returns the entry with another content; `None` if the value is too large.
    #[inline]
    pub(super) const fn with(self, content: Content) -> Option<Self> {
        if content.value >> Self::VALUE_BITS != 0 {
            return None;
        }
        let zero = if content.zero { Self::ZERO } else { 0 };
        // INVARIANT: The value was checked; the other bits stay as they are.
        Some(Self(
            self.0 & (Self::OWNED | Self::READERS | Self::WAITERS | Self::PMD)
                | zero
                | content.value << Self::VALUE_SHIFT,
        ))
    }

    /// Returns the entry with an owner.
    #[inline]
    pub(super) const fn owned(self) -> Self {
        // INVARIANT: It has no readers.
        Self(self.0 & !Self::READERS | Self::OWNED)
    }

    /// Returns the entry, unlocked. Nobody waits for it.
    #[inline]
    pub(super) const fn unlocked(self) -> Self {
        // INVARIANT: Nobody has it, and nobody waits.
        Self(self.0 & !(Self::OWNED | Self::READERS | Self::WAITERS))
    }

    /// Returns the locked entry with the note that somebody waits, or nobody.
    #[inline]
    pub(super) const fn with_waiters(self, waiters: bool) -> Self {
        // INVARIANT: Only locked entries are waited for.
        if waiters {
            Self(self.0 | Self::WAITERS)
        } else {
            Self(self.0 & !Self::WAITERS)
        }
    }
}

/// How a task wants to have an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// For itself: as its owner.
    Exclusive,
    /// With others who do not change it either.
    Shared,
}

/// What a task sees at the place that it looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// There is no entry.
    Vacant,
    /// There is an entry that is smaller than what was asked for.
    Conflict,
    /// There is an entry that another task owns.
    Busy(Raw),
    /// There is an entry that nobody owns. Who wants to do something to it seizes it first.
    Free(Raw),
    /// There is an entry that this task owns: it was free and was seized, or was handed over.
    Mine(Raw),
}

impl Seen {
    /// Tells what was found by a task that asked for `order`, and to which this entry was handed
    /// over if `mine`.
    #[inline]
    pub(super) const fn new(found: Option<Raw>, order: Order, mine: bool) -> Self {
        match found {
            None => Seen::Vacant,
            Some(raw) if mine => Seen::Mine(raw),
            Some(raw) if raw.order().shift() < order.shift() => Seen::Conflict,
            Some(raw) if raw.is_locked() => Seen::Busy(raw),
            Some(raw) => Seen::Free(raw),
        }
    }
}

/// What a task wants to do with what it has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing.
    Leave,
    /// Own the entry.
    Lock,
    /// Make an entry where none is, and own it if `lock`.
    Insert {
        /// What the new entry stands for.
        content: Content,
        /// Whether it is made locked.
        lock: bool,
    },
    /// Give the entry another content.
    Replace(Content),
    /// Take all marks from the entry.
    Clean,
    /// Remove the entry.
    Remove,
}

/// What happens to the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It stays as it is.
    None,
    /// This entry is made where none is, which can fail for want of memory.
    Insert(Raw),
    /// This entry of the task is unlocked: handed over to the next waiter, if there is one.
    Unlock(Raw),
    /// The same, and it loses its marks.
    UnlockClean(Raw),
    /// The entry is removed, and everybody who waits for it looks again.
    Remove,
}

/// Whether the task owns the entry afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing was asked for, and nothing has changed.
    Left,
    /// An entry was stored, and it is not this task's.
    Stored,
    /// The task owns the entry.
    Locked(Raw),
    /// The entry is gone.
    Removed(Raw),
    /// What was asked for cannot be done to what was seen, and nothing has changed.
    Illegal,
}

/// Decides what an action does to what was seen. The wake-up follows from the change.
///
/// This table is the whole of the rule that `fs/dax.c` spreads over its callers. In it, a task that
/// owns what it saw ([`Seen::Mine`]) ends with [`End::Locked`], [`Change::Unlock`] or
/// [`Change::Remove`], whatever it asked for: the lock that was handed to it, or that it has seized, is
/// kept, handed on, or made redundant by waking all. [`Seen::Busy`] is waited for, [`Seen::Free`] is
/// seized, and neither gets here; they are treated as something that nothing can be done to.
///
/// `order` is what was asked for, and the order of an entry that is made.
#[inline(always)]
pub(super) fn decide(seen: Seen, action: Action, order: Order) -> (Change, End) {
    match (seen, action) {
        (Seen::Vacant, Action::Insert { content, lock }) => match Raw::new(content, order) {
            Some(raw) if lock => (Change::Insert(raw.owned()), End::Locked(raw.owned())),
            Some(raw) => (Change::Insert(raw), End::Stored),
            None => (Change::None, End::Illegal),
        },

        (Seen::Mine(raw), Action::Leave) => (Change::Unlock(raw), End::Left),
        (Seen::Mine(raw), Action::Lock) => (Change::None, End::Locked(raw)),
        (Seen::Mine(raw), Action::Remove) => (Change::Remove, End::Removed(raw)),
        (Seen::Mine(raw), Action::Replace(content)) => match raw.with(content) {
            Some(raw) => (Change::Unlock(raw), End::Stored),
            None => (Change::Unlock(raw), End::Illegal),
        },
        (Seen::Mine(raw), Action::Insert { .. }) => (Change::Unlock(raw), End::Illegal),
        (Seen::Mine(raw), Action::Clean) => (Change::UnlockClean(raw), End::Stored),

        (Seen::Vacant | Seen::Conflict, Action::Leave) => (Change::None, End::Left),
        (Seen::Vacant | Seen::Conflict | Seen::Busy(_) | Seen::Free(_), _) => {
            (Change::None, End::Illegal)
        }
    }
}
