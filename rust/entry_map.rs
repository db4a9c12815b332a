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
//! - The *owner* of a locked entry is an [`EntryGuard`], or the task that the lock was handed to.
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
//! | unlocks, leaves or replaces it, asks in vain    | the next, as the owner   |
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
//! Tree lock, interrupts off, then bucket lock, then what `wake_up_process()` takes. The first unlock
//! that could miss a waiter and the waiter itself are both under the tree lock. What happens without
//! it is the sleep: barriers A to D of the event protocol (`event/protocol.rs`), on which the waits
//! here are built. There are no others.

mod bucket;
mod guard;
mod locked;
mod owned;
mod range;
mod sleep;
mod slot;
mod state;
mod tree;
mod wait;
mod xas;

/// What [`wait`] needs, under the name by which it knows it.
mod protocol {
    pub(super) use crate::event::{
        claim::private::Sealed,
        protocol::{
            sleep_until_completed,
            unlink_all,
            Claim,
            Entry,
            Head,
            Platform,
            Queue,
            Sleeper,
            Waiter,
            WAITING, //
        },
    };
}

pub use guard::{
    EntryGuard,
    OwnedEntryGuard,
    SplitError, //
};
pub use slot::{
    At,
    Entry,
    Mark,
    Outcome,
    Slot,
    Value, //
};
pub use state::{
    Granule,
    Order, //
};

use crate::{
    context::MaySleep,
    event::{
        platform::KernelSleeper,
        Mode, //
    },
    level::{
        After,
        Level,
        Unordered, //
    },
};
use core::{
    marker::PhantomData,
    pin::Pin, //
};
use kernel::{
    prelude::*,
    str::CStr,
    sync::LockClassKey, //
};
use locked::{
    Look,
    NeedMemory,
    Target, //
};
use slot::{
    content,
    Marks, //
};
use state::{
    Action,
    End,
    Raw,
    Seen, //
};
use tree::Tree;
use wait::Grant;
use xas::Xas;

/// Creates an [`EntryMap`] initialiser with a lock class of its own.
///
/// The class is made here, at the call site. `new_entry_map!(NoIo)` is for maps that are used on the
/// way of I/O: see [`Memory`].
#[macro_export]
macro_rules! new_entry_map {
    ($($memory:ident)? $(,)?) => {
        $crate::entry_map::EntryMap::new(
            $crate::new_entry_map!(@memory $($memory)?),
            ::kernel::optional_name!(),
            ::kernel::static_lock_class!(),
        )
    };
    (@memory) => {
        $crate::entry_map::Memory::Any
    };
    (@memory $memory:ident) => {
        $crate::entry_map::Memory::$memory
    };
}
pub use new_entry_map;

/// How a map gets the memory for its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// In any way (`GFP_KERNEL`).
    Any,
    /// Without starting I/O (`GFP_NOIO`): for maps that I/O depends on.
    NoIo,
}

/// A map whose entries can be locked across sleeps.
///
/// `L` is the level of waiting for an entry. A locked entry is no level of its own: see [`EntryGuard`].
///
/// It is pinned and can be used by many tasks at once. Nobody can be waiting for an entry when it is
/// dropped, because whoever waits borrows it. Entries that are left are dropped with it, and what
/// they stand for is not: see [`EntryMap::clear`].
///
/// `mem::forget` of a map leaks its memory.
///
/// # Examples
///
/// ```
/// use baton::entry_map::{new_entry_map, At, EntryMap, Order, Outcome, Slot};
/// use baton::event::Killable;
/// use baton::MaySleep;
/// use kernel::prelude::*;
///
/// # let cx = &mut MaySleep::assert();
/// let map: Pin<KBox<EntryMap<u64>>> = KBox::pin_init(new_entry_map!(), GFP_KERNEL)?;
///
/// // Locks the entry of index 7, and makes it if there is none.
/// let at = map.at(cx, Killable, 7, Order::Pte, |slot| match slot {
///     Slot::Vacant => Outcome::InsertLocked(42u64),
///     Slot::Unlocked(_) => Outcome::Lock,
///     // Without this arm it does not compile.
///     Slot::Conflict(_) => Outcome::Leave,
/// })?;
///
/// if let At::Locked(mut entry) = at {
///     // May sleep here; whoever comes for index 7 waits.
///     entry.set(43)?;
/// } // The entry is handed to the next task here.
/// # Ok::<(), Error>(())
/// ```
#[doc(alias("dax_entry_waitqueue", "get_next_unlocked_entry", "put_unlocked_entry"))]
#[pin_data]
pub struct EntryMap<V, L: Level = Unordered> {
    #[pin]
    tree: Tree,
    _value: PhantomData<fn(V) -> V>,
    _level: PhantomData<fn() -> L>,
}

impl<V: Value, L: Level> EntryMap<V, L> {
    /// Makes an empty map: see [`new_entry_map!`].
    pub fn new(
        memory: Memory,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            tree <- Tree::new(memory, name, key),
            _value: PhantomData,
            _level: PhantomData,
        })
    }

    /// Looks at the entry for `index`, and does what `f` says. Waits while another task owns it.
    ///
    /// `f` sees either no entry, or one that no other task owns and that is at least of `order`, or
    /// that there are smaller ones. An index stands for the whole of the entry that covers it; with
    /// [`Order::Pmd`] it is rounded down.
    ///
    /// `f` runs under the tree lock, with interrupts off. It must be short, and must not sleep,
    /// allocate memory, or use the same map: dropping one of its guards in there locks up. It is
    /// called again, with what is there then, if memory had to be got for an insertion; otherwise
    /// once.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// - [`EINVAL`] if the outcome does not go with what was seen: see [`Outcome`].
    /// - [`ENOMEM`] if the tree could not grow. The map is as it was.
    /// - [`ERESTARTSYS`] or [`ETIMEDOUT`] if the mode allows for it. A task that was handed the entry
    ///   in the meantime goes on instead.
    /// - [`EOPNOTSUPP`] for [`Order::Pmd`] on a kernel without `CONFIG_XARRAY_MULTI`.
    #[doc(alias("grab_mapping_entry", "dax_lock_mapping_entry"))]
    #[inline]
    #[track_caller]
    pub fn at<C: Level, M: Mode>(
        &self,
        _cx: &mut MaySleep<C>,
        mode: M,
        index: usize,
        order: Order,
        mut f: impl FnMut(Slot<V>) -> Outcome<V>,
    ) -> Result<At<'_, V>>
    where
        L: After<C>,
    {
        if cfg!(CONFIG_DEBUG_ATOMIC_SLEEP) {
            kernel::task::might_sleep();
        }
        let mut xas = Xas::new(&self.tree, index, order)?;
        let mut sleeper = KernelSleeper::new(&mode);
        let at = self.run(Target::Here, &mut xas, Some(&mut sleeper), &mut f)?;
        Ok(at.map_or(At::Left, |(at, _)| at))
    }

    /// As [`EntryMap::at`], without waiting.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// As there, and [`EAGAIN`] if another task owns the entry. [`ENOMEM`] is more likely, because
    /// memory cannot be waited for.
    #[inline]
    #[track_caller]
    pub fn try_at(
        &self,
        index: usize,
        order: Order,
        mut f: impl FnMut(Slot<V>) -> Outcome<V>,
    ) -> Result<At<'_, V>> {
        let mut xas = Xas::new(&self.tree, index, order)?;
        let at = self.run(Target::Here, &mut xas, None, &mut f)?;
        Ok(at.map_or(At::Left, |(at, _)| at))
    }

    /// Locks the entry for `index`, if there is one.
    ///
    /// # Errors
    ///
    /// As [`EntryMap::at`].
    #[inline]
    #[track_caller]
    pub fn lock<C: Level, M: Mode>(
        &self,
        cx: &mut MaySleep<C>,
        mode: M,
        index: usize,
    ) -> Result<Option<EntryGuard<'_, V>>>
    where
        L: After<C>,
    {
        self.at(cx, mode, index, Order::Pte, |slot| match slot {
            Slot::Unlocked(_) => Outcome::Lock,
            Slot::Vacant | Slot::Conflict(_) => Outcome::Leave,
        })
        .map(At::locked)
    }

    /// Looks, waits, asks `f`, does what it says. Without a sleeper it does not wait, in any context.
    ///
    /// Returns what came of it and where, or `None` if there was nothing to visit.
    #[inline]
    #[track_caller]
    fn run(
        &self,
        target: Target,
        xas: &mut Xas,
        mut sleeper: Option<&mut KernelSleeper>,
        f: &mut impl FnMut(Slot<V>) -> Outcome<V>,
    ) -> Result<Option<(At<'_, V>, Granule)>> {
        let mut mine = None;
        loop {
            let (locked, look) = match (target, mine) {
                (Target::Here, None) => self.tree.begin(xas, sleeper.is_some()),
                _ => self.tree.look(xas, target, mine, sleeper.is_some()),
            };

            match (look.seen, look.granule, target) {
                (Seen::Busy(raw), Some(granule), _) => {
                    let sleeper = sleeper.as_deref_mut().ok_or(EAGAIN)?;
                    mine = match locked.wait(xas, granule, raw, sleeper)? {
                        Grant::Owned => Some(granule),
                        Grant::LookAgain => None,
                    };
                    continue;
                }
                (Seen::Vacant, _, Target::Next { .. }) => return Ok(None),
                _ => (),
            }

            // An action that is impossible goes through `settle()` like any other, since the entry may
            // be this task's: for a value that does not fit that is to leave it.
            let action = f(Slot::new(&look)).action();
            match locked.settle(xas, &look, action.unwrap_or(Action::Leave)) {
                Ok(_) if action.is_none() => return Err(EINVAL),
                Ok(end) => return self.end(end, &look, xas.index()).map(Some),
                Err(NeedMemory) => {
                    // What needs memory was vacant, so nothing is owned. It may not be any more.
                    mine = None;
                    if sleeper.is_none() {
                        return Err(ENOMEM);
                    }
                    xas.get_memory(&self.tree)?;
                }
            }
        }
    }

    #[inline]
    #[track_caller]
    fn end(&self, end: End, look: &Look, index: usize) -> Result<(At<'_, V>, Granule)> {
        let granule = |raw| look.granule.unwrap_or(Granule::of(raw, index));
        let nowhere = Raw::from_bits(0);
        Ok(match end {
            End::Left => (At::Left, granule(nowhere)),
            End::Stored => (At::Stored, granule(nowhere)),
            End::Locked(raw) => {
                let granule = granule(raw);
                let guard = EntryGuard::new(&self.tree, granule, raw.content());
                (At::Locked(guard), granule)
            }
            End::Removed(raw) => (At::Removed(V::from_bits(raw.content().value)), granule(raw)),
            End::Illegal => return Err(EINVAL),
        })
    }

    /// Returns how many tasks wait for the entry that covers `index`.
    ///
    /// A task that the entry was handed to does not wait any more. For gates of tests and for reports.
    ///
    /// Context: any.
    pub fn waiters(&self, index: usize) -> usize {
        match Xas::new(&self.tree, index, Order::Pte) {
            Ok(mut xas) => self.tree.lock_irqsave().waiters(&mut xas),
            Err(_) => 0,
        }
    }

    /// Returns how many tasks wait for any entry of this map.
    ///
    /// Context: any.
    pub fn sleepers(&self) -> usize {
        self.tree.lock_irqsave().sleepers()
    }

    /// Removes every entry, and calls `f` for each.
    ///
    /// For what owns a map and goes away: nobody else can reach the map then, so nothing is waited
    /// for. An entry whose guard was forgotten is removed as well, and reported.
    ///
    /// Context: any. It takes time.
    #[doc(alias = "xa_destroy")]
    pub fn clear(self: Pin<&mut Self>, mut f: impl FnMut(Granule, V)) {
        self.project()
            .tree
            .clear(|granule, raw| f(granule, V::from_bits(raw.content().value)));
    }

    /// Lets the next `attempts` of this map to get memory fail. For tests.
    #[cfg(CONFIG_KUNIT)]
    pub fn refuse_memory(&self, attempts: u32) {
        self.tree.refuse_memory(attempts);
    }
}
