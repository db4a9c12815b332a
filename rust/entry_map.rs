// SPDX-License-Identifier: GPL-2.0

//! Maps whose entries can be locked across sleeps.
//!
//! An [`EntryMap`] replaces what [`fs/dax.c`](srctree/fs/dax.c) builds out of an XArray, a lock bit in
//! its value entries, and a table of wait queues.
//!
//! C header: [`include/linux/xarray.h`](srctree/include/linux/xarray.h)
//!
//! # Names
//!
//! - An *entry* is what the map holds for one index, or for 512 ([`Order`]): a value of the user's,
//!   and a lock.
//! - The *owner* of a locked entry is an [`EntryGuard`], a [`DetachedEntry`], or the task that the lock
//!   was handed to. Its *readers*, if it is shared, are the same of [`SharedEntry`].
//! - A *granule* ([`Granule`]) is the place of an entry: its first index and its order.
//! - To *hand over* is to pass the ownership of an entry to the oldest task that waits for it. The
//!   entry is not unlocked in between.
//! - To *look again* is what a task does that waited for an entry that is gone.
//! - The *tree lock* protects the entries of one map. It is a spinlock and irq-safe.
//!
//! # The bug that this removes
//!
//! In C, a waiter is woken when the entry is unlocked, and must wake the next one when it is done,
//! whatever it has found (`698ab77aebff`, `4c3d043d271d`, `237388320deff`). H holds the entry; A, B
//! and C want to invalidate it:
//!
//! ```text
//!   H                  A                   B                   C
//!   1 owns the entry
//!                      2 locked: sleeps
//!                                          3 locked: sleeps
//!                                                              4 locked: sleeps
//!   5 unlocks,
//!     wakes the next
//!                      6 runs, removes
//!                        the entry,
//!                        wakes the next
//!                                          7 runs, finds NULL,
//!                                            `if (entry)` wake:
//!                                            wakes nobody
//!                                                              8 sleeps for ever
//! ```
//!
//! Here nobody wakes anybody by hand. A task says what it wants with what it sees, as an [`Outcome`],
//! and what becomes of the waiters follows from what becomes of the entry:
//!
//! ```text
//!   5 H unlocks           -> the entry stays locked, its owner is A
//!   6 A removes           -> there is no entry any more: B and C look again
//!   7 B finds `Vacant`    -> it owns nothing, so that it owes nothing
//!   8 C finds `Vacant`    -> as well
//! ```
//!
//! | what a task does to an entry that it owns       | who is woken             |
//! |-------------------------------------------------|--------------------------|
//! | keeps it: [`Outcome::Lock`]                     | nobody                   |
//! | unlocks, leaves or replaces it, asks in vain    | the next owner, or the next readers |
//! | removes or splits it                            | all, to look again       |
//!
//! A signal or a time-out ends the wait of a task that owns nothing. If the lock was handed to it
//! before it could leave, it has it, and does what it came for. So there is no way out of a wait on
//! which a wake-up could be lost, and the types have no other.
//!
//! # Why waiter and waker mean the same
//!
//! Both compute their key from the entry that they found, by [`Granule`]'s only constructor, under
//! the tree lock. An entry changes its order only when it is removed or split, and then all that
//! waited for it look again.
//!
//! # Locks and barriers
//!
//! Tree lock, interrupts off, then bucket lock, then what `wake_up_process()` takes. Who waits, and who
//! hands over, has the tree lock. What happens without it is
//!
//! - the sleep: barriers A to D of the event protocol (`event/protocol.rs`), on which the waits here are
//!   built;
//! - to lock an entry that nobody owns, and to unlock one that nobody waits for: one exchange of the
//!   entry's word, J and K of `word.rs`. `place.rs` says why the word stays where it is.
//!
//! There are no others.
//!
//! # The order
//!
//! A locked entry is held, like a lock. Whoever has one in hand can take and wait for what stands below
//! the map only, which the types see to, and for further entries of the map by ascending index, which
//! is checked. To lockdep a wait for an entry takes the class of the map, and an entry in hand holds
//! it: see [`wait_map`](crate::wait_map).

// From the bottom up.
mod state;

mod word;

mod protocol;
mod wait;

mod bucket;
mod value;

mod tree;

mod xas;

mod place;

mod locked;

mod owned;
mod sleep;

mod acquire;

mod slot;

mod hold;
mod visit;

mod guard;
mod reader;

mod hand;

mod map;

mod lock;
mod range;
mod shared;

pub use guard::{
    DetachedEntry,
    EntryGuard,
    LockedEntry, //
};
pub use hand::SplitError;
pub use hold::{
    Detached,
    Hold,
    InHand, //
};
pub use map::{
    new_entry_map,
    EntryMap, //
};
pub use reader::{
    DetachedSharedEntry,
    SharedEntry,
    SharedEntryGuard, //
};
pub use shared::OwnedEntryGuard;
pub use slot::{
    At,
    Entry,
    Outcome,
    Slot, //
};
pub use state::{
    Granule,
    Order, //
};
pub use tree::Memory;
pub use value::{
    Mark,
    Value, //
};
