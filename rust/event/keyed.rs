// SPDX-License-Identifier: GPL-2.0

//! Events whose waiters are found by what they wait for, so that a change costs what it serves.
//!
//! C header: [`include/linux/wait_bit.h`](srctree/include/linux/wait_bit.h)
//!
//! # The bug that this removes
//!
//! `wait_on_bit()` and `wait_var_event()` wait in a queue that all of the kernel shares, under a *key*, and
//! whoever changes something wakes a key. That both mean the same key is a convention. In `dax` the key was made
//! from the entry that was waited for, which somebody else had changed meanwhile:
//!
//! ```text
//!   waiter                                   unlocks the entry
//!   1 key = of the entry, 2 MiB
//!   2 on the queue of that key
//!                                            3 key = of the entry, 4 KiB now
//!                                            4 wakes that key: nobody is there
//!   5 sleeps for ever
//! ```
//!
//! In a [`KeyedEvent`] the key of a waiter is how its claim gets at the data, and the key of an update is how
//! the change does. So a change that a waiter could have waited for has its key. A
//! [`ThresholdEvent`](super::ThresholdEvent) has no key that an update could get wrong: it finds out itself
//! whose threshold was reached.

use super::{
    claim::Claim,
    index::Index,
    platform::Kernel,
    slots::{
        Key,
        Slots, //
    },
    Audit, //
};
use crate::{
    level::{
        Level,
        Unordered, //
    },
    registry::{
        self,
        Kind,
        Label,
        Object, //
    },
    wait_map::WaitMap, //
};
use core::{
    cell::UnsafeCell,
    marker::{
        PhantomData,
        PhantomPinned, //
    },
    ops::Deref,
    pin::Pin, //
};
use kernel::{
    alloc::Allocator,
    prelude::*,
    rbtree::{
        self,
        RBTree,
        RBTreeNode,
        RBTreeNodeReservation, //
    },
    sync::LockClassKey,
    types::NotThreadSafe, //
};

impl<S, A: Allocator> super::claim::private::Sealed for Vec<S, A> {}

impl<S: Send + 'static, A: Allocator> Slots for Vec<S, A> {
    type Key = usize;
    type Slot = S;

    #[inline]
    fn slot(&mut self, key: usize) -> Option<&mut S> {
        self.get_mut(key)
    }
}

impl<K: Key, S> super::claim::private::Sealed for RBTree<K, S> {}

impl<K: Key, S: Send + 'static> Slots for RBTree<K, S> {
    type Key = K;
    type Slot = S;

    #[inline]
    fn slot(&mut self, key: K) -> Option<&mut S> {
        self.get_mut(&key)
    }
}

/// What an event whose waiters are found by a key consists of.
///
/// # Invariants
///
/// `index` holds waiters of this event only, and the claim of each of them did not hold under the lock that
/// this event lives in, after the last change of what it looks at.
#[pin_data(PinnedDrop)]
pub(super) struct Indexed<S, T> {
    pub(super) index: Index<S, Kernel>,
    // Changes by way of a shared reference too, in a wait, under the lock.
    pub(super) data: UnsafeCell<T>,
    pub(super) label: Label,
    #[pin]
    pub(super) map: WaitMap,
    // Not `Sync`: a shared reference in two tasks would defeat the lock.
    _not_sync: NotThreadSafe,
    #[pin]
    _pin: PhantomPinned,
}

// SAFETY: The entries that `index` points to may be completed by any task that holds the lock, and what
// they contain is `Send` by the bounds of `Claim`. The data is `Send`.
unsafe impl<S, T: Send> Send for Indexed<S, T> {}

impl<S, T> Indexed<S, T> {
    pub(super) fn new(
        kind: Kind,
        data: T,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        // INVARIANT: Nobody waits.
        pin_init!(Self {
            index: Index::new(),
            data: UnsafeCell::new(data),
            label: Label { kind, name },
            map <- WaitMap::new(name, key),
            _not_sync: NotThreadSafe,
            _pin: PhantomPinned,
        })
    }

    /// Returns what the registry knows it by.
    #[inline]
    pub(super) fn object(&self) -> Object {
        Object::at(&raw const self.index)
    }

    /// Returns the parts that are not structurally pinned, to be changed.
    #[inline]
    #[track_caller]
    pub(super) fn parts(self: Pin<&mut Self>) -> (&Index<S, Kernel>, &mut T) {
        registry::changed(self.object());
        // SAFETY: `index` and `data` are not structurally pinned, and nothing else is moved: the
        // reference does not leave this function.
        let this = unsafe { self.get_unchecked_mut() };
        (&this.index, this.data.get_mut())
    }

    #[inline]
    pub(super) fn data(&self) -> &T {
        // SAFETY: The data changes by way of `&mut self`, or in a wait, which has consumed the guard of the
        // lock, so that there is no reference to the event.
        unsafe { &*self.data.get() }
    }
}

#[pinned_drop]
impl<S, T> PinnedDrop for Indexed<S, T> {
    fn drop(self: Pin<&mut Self>) {
        registry::gone(self.object());
        self.index.queue().close();
    }
}

/// Creates a [`KeyedEvent`] initialiser with the given data and a lock class of its own.
#[macro_export]
macro_rules! new_keyed_event {
    ($data:expr $(, $name:literal)? $(,)?) => {
        $crate::event::KeyedEvent::new(
            $data, ::kernel::optional_name!($($name)?), ::kernel::static_lock_class!())
    };
}
pub use new_keyed_event;

/// A table, and for each of its keys the tasks that wait for what is there.
///
/// It lives inside the data of a lock, as an [`Event`](super::Event). The data has a slot for each key: `[S; N]`
/// and `KVec<S>` by `usize`, `RBTree<K, S>` by an unsigned integer. Whoever waits names a key, and its claim is
/// on the slot; whoever changes something names a key, changes that slot, and considers who waits under that
/// key. The others are not looked at: what an update costs does not grow with their number, but for the
/// logarithm that finding the key takes. Under one key the oldest waiter is served first, as with
/// [`Any`](super::Any).
///
/// A key that the table does not have is as good as closed: a wait under it returns [`Closed`](super::Closed).
///
/// Dropping it completes its waiters with `Closed`. `mem::forget` of a box with the lock leaks memory; its
/// waiters sleep until somebody updates it. Whoever waits for it has given up the guard, so that it cannot be
/// waited for from within itself: its closures get a slot, and nothing else.
///
/// # Examples
///
/// Answers that come in any order, each with the number of its request:
///
/// ```
/// use baton::event::{new_keyed_event, Killable, KeyedEvent};
/// use baton::{LockIn, MaySleep};
/// use kernel::prelude::*;
/// use kernel::rbtree::{RBTree, RBTreeNodeReservation};
/// use kernel::sync::{new_mutex, Mutex};
///
/// #[pin_data]
/// struct Connection {
///     /// What was asked, and what came.
///     #[pin]
///     requests: KeyedEvent<RBTree<u32, Option<u64>>>,
/// }
///
/// fn ask(connection: &Mutex<Connection>, cx: &mut MaySleep, id: u32) -> Result {
///     let room = RBTreeNodeReservation::new(GFP_KERNEL)?;
///     let mut held = connection.lock_in(cx);
///     held.as_mut().project().requests.insert(id, None, room).map_err(|_| EBUSY)
/// }
///
/// fn answered(connection: &Mutex<Connection>, cx: &mut MaySleep, id: u32, answer: u64) {
///     // Whoever has given up has removed the request.
///     let mut held = connection.lock_in(cx);
///     held.as_mut().project().requests.update(id, |slot| *slot = Some(answer));
/// }
///
/// fn answer_to(connection: &Mutex<Connection>, cx: &mut MaySleep, id: u32) -> Result<u64> {
///     let held = connection.lock_in(cx);
///     let wait = held.on_key(|c| &c.requests, id).when(|slot| slot.is_some(), |slot| slot.take());
///     let (mut held, answer) = wait.wait_relock(Killable);
///     let node = held.as_mut().project().requests.remove(id);
///     drop(held);
///     drop(node);
///     answer?.ok_or(EIO)
/// }
///
/// let cx = &mut MaySleep::assert();
/// let connection: Pin<KBox<Mutex<Connection>>> = KBox::pin_init(
///     new_mutex!(pin_init!(Connection { requests <- new_keyed_event!(RBTree::new()) })),
///     GFP_KERNEL,
/// )?;
/// ask(&connection, cx, 7)?;
/// ask(&connection, cx, 8)?;
/// answered(&connection, cx, 8, 80);
/// answered(&connection, cx, 7, 70);
/// assert_eq!(answer_to(&connection, cx, 7)?, 70);
/// assert_eq!(answer_to(&connection, cx, 8)?, 80);
/// assert!(answer_to(&connection, cx, 9).is_err());
/// # Ok::<(), Error>(())
/// ```
#[doc(alias(
    "wait_on_bit",
    "wake_up_bit",
    "wait_var_event",
    "wake_up_var",
    "wait_bit_key"
))]
#[pin_data]
pub struct KeyedEvent<T: Slots, E: Level = Unordered> {
    #[pin]
    pub(super) inner: Indexed<T::Slot, T>,
    _level: PhantomData<fn() -> E>,
}

impl<T: Slots, E: Level> KeyedEvent<T, E> {
    /// Constructs a keyed event initialiser; [`new_keyed_event!`] is the usual way.
    ///
    /// Context: any; it only initialises.
    pub fn new(
        data: T,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            inner <- Indexed::new(Kind::Key, data, name, key),
            _level: PhantomData,
        })
    }

    /// Changes the slot of a key and serves every waiter under it whose claim then succeeds.
    ///
    /// This is the only way to change a slot from outside a claim. Returns [`None`] if there is no such key;
    /// `change` is dropped then.
    ///
    /// Context: any, hard interrupts included; the lock that the event lives in is held, or nobody
    /// else can reach the event yet.
    #[doc(alias("wake_up_bit", "wake_up_var", "clear_and_wake_up_bit"))]
    #[inline]
    #[track_caller]
    pub fn update<R>(
        self: Pin<&mut Self>,
        key: T::Key,
        change: impl FnOnce(&mut T::Slot) -> R,
    ) -> Option<R> {
        let (index, data) = self.project().inner.parts();
        let slot = data.slot(key)?;
        let result = change(slot);
        if !index.queue().is_empty() {
            index.consider(key.number(), slot);
        }
        Some(result)
    }

    /// Claims for the caller, without waiting, and serves whom that makes possible.
    ///
    /// Context: as [`KeyedEvent::update`]. What the claim has captured, and does not give away, is dropped by the
    /// caller.
    ///
    /// # Errors
    ///
    /// The claim, if its condition does not hold, there is no such key, or the event is closed.
    #[inline]
    #[track_caller]
    pub fn try_claim<C: Claim<T::Slot>>(
        self: Pin<&mut Self>,
        key: T::Key,
        claim: C,
    ) -> Result<C::Output, C> {
        let (index, data) = self.project().inner.parts();
        let mut claim = claim;
        let Some(slot) = data.slot(key) else {
            return Err(claim);
        };
        if index.queue().is_closed() || !claim.holds(slot) {
            return Err(claim);
        }
        // SAFETY: The claim is dropped afterwards.
        let result = unsafe { claim.take(slot) };
        if !index.queue().is_empty() {
            index.consider(key.number(), slot);
        }
        Ok(result)
    }

    /// Completes every waiter with [`Closed`](super::Closed); later waits return it at once.
    ///
    /// Context: as [`KeyedEvent::update`].
    pub fn close(self: Pin<&mut Self>) {
        self.inner.index.queue().close();
    }

    /// Returns how many tasks wait, under all keys.
    ///
    /// Context: as [`KeyedEvent::update`].
    #[inline]
    pub fn waiters(&self) -> usize {
        self.inner.index.queue().len()
    }

    /// Returns whether the event was closed.
    ///
    /// Context: as [`KeyedEvent::update`].
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.inner.index.queue().is_closed()
    }

    /// Tries the claim of every sleeper again and serves those for which it succeeds: lost wake-ups.
    ///
    /// By the invariants none can, unless a condition reads more than its slot; see
    /// [`Event::audit`](super::Event::audit). Nobody is [`behind`](Audit::behind) another one here.
    ///
    /// Context: as [`KeyedEvent::update`].
    pub fn audit(self: Pin<&mut Self>) -> Audit {
        let (index, data) = self.project().inner.parts();
        let mut audit = Audit {
            sleeping: index.queue().len(),
            ..Audit::default()
        };
        let mut next = index.next_key(0);
        while let Some(number) = next {
            if let Some(slot) = data.slot(T::Key::of_number(number)) {
                audit.lost += index.consider(number, slot);
            }
            next = number
                .checked_add(1)
                .and_then(|number| index.next_key(number));
        }
        audit
    }
}

impl<K: Key, S: Send + 'static, E: Level> KeyedEvent<RBTree<K, S>, E> {
    /// Adds a key with its slot, in memory that was reserved before the lock was taken.
    ///
    /// Context: as [`KeyedEvent::update`].
    ///
    /// # Errors
    ///
    /// What was to be added, if there is such a key already.
    #[track_caller]
    #[allow(clippy::type_complexity, reason = "both are to be dropped elsewhere")]
    pub fn insert(
        self: Pin<&mut Self>,
        key: K,
        slot: S,
        room: RBTreeNodeReservation<K, S>,
    ) -> Result<(), (S, RBTreeNodeReservation<K, S>)> {
        let (_, tree) = self.project().inner.parts();
        match tree.entry(key) {
            // Nobody waits under a key that there is not.
            rbtree::Entry::Vacant(entry) => {
                entry.insert(slot, room);
                Ok(())
            }
            rbtree::Entry::Occupied(_) => Err((slot, room)),
        }
    }

    /// Removes a key, completes those who wait under it with [`Closed`](super::Closed), and returns its slot.
    ///
    /// Context: as [`KeyedEvent::update`].
    #[track_caller]
    pub fn remove(self: Pin<&mut Self>, key: K) -> Option<RBTreeNode<K, S>> {
        let (index, tree) = self.project().inner.parts();
        index.close(key.number());
        tree.remove_node(&key)
    }
}

impl<T: Slots, E: Level> Deref for KeyedEvent<T, E> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.inner.data()
    }
}
