// SPDX-License-Identifier: GPL-2.0

//! The map.

use super::{
    guard::{
        DetachedEntry,
        EntryGuard,
        LockedEntry, //
    },
    hold::{
        Detached,
        Hold,
        InHand, //
    },
    locked::Target,
    slot::{
        At,
        Outcome,
        Slot, //
    },
    state::{
        Granule,
        Order, //
    },
    tree::{
        Memory,
        Tree, //
    },
    value::Value,
    visit::{
        User,
        Visitor, //
    },
    xas::Xas, //
};
use crate::{
    context::MaySleep,
    event::{
        platform::KernelSleeper,
        ModeAt, //
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

/// Creates an [`EntryMap`] initialiser with lock classes of its own.
///
/// The classes are made here, at the call site: that of the tree lock, and that of the entries. `new_entry_map!(NoIo)` is for maps that are used on the
/// way of I/O: see [`Memory`].
#[macro_export]
macro_rules! new_entry_map {
    ($($memory:ident)? $(,)?) => {
        $crate::entry_map::EntryMap::new(
            $crate::new_entry_map!(@memory $($memory)?),
            ::kernel::optional_name!(),
            [
                ::kernel::static_lock_class!(),
                ::kernel::static_lock_class!(),
            ],
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

/// A map whose entries can be locked across sleeps.
///
/// `L` is the level of the entries: of waiting for one, and of what may be taken and waited for while
/// one is in hand. See [`EntryGuard`].
///
/// It is pinned and can be used by many tasks at once. Nobody can be waiting for an entry when it is
/// dropped, because whoever waits borrows it. Entries that are left are dropped with it, and what
/// they stand for is not: see [`EntryMap::clear`].
///
/// `mem::forget` of a map leaks its memory. A closure that the map has called and that uses the map itself
/// gets [`EDEADLK`]; a task with an entry in hand cannot wait for another one of that level.
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
///     // May sleep here, with `entry.inner()`; whoever comes for index 7 waits.
///     entry.set(43)?;
/// } // The entry is handed to the next task here.
/// # Ok::<(), Error>(())
/// ```
#[doc(alias("dax_entry_waitqueue", "get_next_unlocked_entry", "put_unlocked_entry"))]
#[pin_data]
pub struct EntryMap<V, L: Level = Unordered> {
    #[pin]
    pub(super) tree: Tree,
    _value: PhantomData<fn(V) -> V>,
    _level: PhantomData<fn() -> L>,
}

impl<V: Value, L: Level> EntryMap<V, L> {
    /// Makes an empty map: see [`new_entry_map!`].
    ///
    /// The classes are those of the tree lock and of the entries. Entries that have a level are of the
    /// class of the level instead.
    ///
    /// Context: any; it only initialises.
    pub fn new(
        memory: Memory,
        name: &'static CStr,
        [lock, entry]: [Pin<&'static LockClassKey>; 2],
    ) -> impl PinInit<Self> {
        let entry = L::class().unwrap_or((name, entry));
        pin_init!(Self {
            tree <- Tree::new(memory, (name, lock), entry),
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
    /// `f` runs under the tree lock, with interrupts off. It must be short, and must not sleep or
    /// allocate memory. It is `Send`, so that it cannot capture a capability to sleep, or a guard. If
    /// it comes back to the same map it is refused with [`EDEADLK`]; it may drop a [`DetachedEntry`].
    /// Of two maps that are visited in each other's closures, the order is the caller's; lockdep checks it.
    /// It is called again, with what is there then, if memory had to be got for an insertion; otherwise
    /// once.
    ///
    /// Context: may sleep; the entries stand below everything that the task holds.
    ///
    /// # Errors
    ///
    /// - [`EINVAL`] if the outcome does not go with what was seen: see [`Outcome`].
    /// - [`ENOMEM`] if the tree could not grow. The map is as it was.
    /// - [`ERESTARTSYS`] or [`ETIMEDOUT`] if the mode allows for it. A task that was handed the entry
    ///   in the meantime goes on instead.
    /// - [`EDEADLK`] if this map has called the caller: in a closure of a visit.
    /// - [`EOPNOTSUPP`] for [`Order::Pmd`] on a kernel without `CONFIG_XARRAY_MULTI`.
    #[doc(alias("grab_mapping_entry", "dax_lock_mapping_entry"))]
    #[inline]
    #[track_caller]
    pub fn at<'c, C: Level, M: ModeAt<C>>(
        &self,
        cx: &'c mut MaySleep<C>,
        mode: M,
        index: usize,
        order: Order,
        f: impl FnMut(Slot<V>) -> Outcome<V> + Send,
    ) -> Result<At<V, EntryGuard<'_, 'c, V, L>>>
    where
        L: After<C>,
    {
        self.wait_at(cx, mode, index, order, &mut User(f))
    }

    /// As [`EntryMap::at`], without waiting.
    ///
    /// Context: may sleep, though this does not.
    ///
    /// # Errors
    ///
    /// As there, and [`EAGAIN`] if another task owns the entry. [`ENOMEM`] is more likely, because
    /// memory is not waited for.
    #[inline]
    #[track_caller]
    pub fn try_at_in<'c, C: Level>(
        &self,
        _cx: &'c mut MaySleep<C>,
        index: usize,
        order: Order,
        f: impl FnMut(Slot<V>) -> Outcome<V> + Send,
    ) -> Result<At<V, EntryGuard<'_, 'c, V, L>>>
    where
        L: After<C>,
    {
        self.try_visit(index, order, &mut User(f), || InHand::new(&self.tree))
    }

    /// As [`EntryMap::try_at_in`], in a context that has no capability to sleep: an entry that it locks
    /// is [detached](DetachedEntry).
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// As there.
    #[inline]
    #[track_caller]
    pub fn try_at(
        &self,
        index: usize,
        order: Order,
        f: impl FnMut(Slot<V>) -> Outcome<V> + Send,
    ) -> Result<At<V, DetachedEntry<'_, V, L>>> {
        self.try_visit(index, order, &mut User(f), Detached::new)
    }

    #[inline]
    #[track_caller]
    fn wait_at<'c, C: Level, M: ModeAt<C>>(
        &self,
        _cx: &'c mut MaySleep<C>,
        mode: M,
        index: usize,
        order: Order,
        visitor: &mut impl Visitor<V>,
    ) -> Result<At<V, EntryGuard<'_, 'c, V, L>>>
    where
        L: After<C>,
    {
        if cfg!(CONFIG_DEBUG_ATOMIC_SLEEP) {
            kernel::task::might_sleep();
        }
        self.tree.map.wait();
        let mut xas = Xas::new(&self.tree, index, order)?;
        let mut sleeper = KernelSleeper::new::<C, M>(&mode);
        let visited = self
            .tree
            .visit(Target::Here, &mut xas, Some(&mut sleeper), visitor)?;
        // No closure: what the registry is told is the place of the caller.
        match visited {
            Some(end) => LockedEntry::at(&self.tree, end, || InHand::new(&self.tree)),
            None => Ok(At::Left),
        }
    }

    #[inline]
    #[track_caller]
    fn try_visit<'a, H: Hold>(
        &'a self,
        index: usize,
        order: Order,
        visitor: &mut impl Visitor<V>,
        hold: impl FnOnce() -> H,
    ) -> Result<At<V, LockedEntry<'a, V, H>>> {
        let mut xas = Xas::new(&self.tree, index, order)?;
        let visited = self.tree.visit(Target::Here, &mut xas, None, visitor)?;
        // No closure, as above.
        match visited {
            Some(end) => LockedEntry::at(&self.tree, end, hold),
            None => Ok(At::Left),
        }
    }

    /// Returns how many tasks wait for the entry that covers `index`.
    ///
    /// A task that the entry was handed to does not wait any more. For gates of tests and for reports.
    ///
    /// Context: any. In a closure that this map has called it returns 0.
    pub fn waiters(&self, index: usize) -> usize {
        if self.tree.is_inside() {
            return 0;
        }
        match Xas::new(&self.tree, index, Order::Pte) {
            Ok(mut xas) => self.tree.lock_irqsave().waiters(&mut xas),
            Err(_) => 0,
        }
    }

    /// Returns how many tasks wait for any entry of this map.
    ///
    /// Context: any. It takes no lock.
    pub fn sleepers(&self) -> usize {
        self.tree.sleepers()
    }

    /// Removes every entry, and calls `f` for each; returns how many of them were locked.
    ///
    /// For what owns a map and goes away: nobody else can reach the map then, so nothing is waited
    /// for. An entry whose guard was forgotten is removed as well, and reported in the log.
    ///
    /// Context: any; `f` runs with no lock held. It takes time.
    #[doc(alias = "xa_destroy")]
    pub fn clear(self: Pin<&mut Self>, mut f: impl FnMut(Granule, V)) -> usize {
        self.project()
            .tree
            .clear(|granule, raw| f(granule, V::from_bits(raw.content().value)))
    }

    /// Returns whether tasks that wait for small entries at these indices queue in one bucket. For benchmarks.
    ///
    /// Context: any.
    #[cfg(CONFIG_KUNIT)]
    pub fn share_bucket(&self, one: usize, other: usize) -> bool {
        self.tree.bucket(one) == self.tree.bucket(other)
    }

    /// Lets the next `attempts` of this map to get memory fail. For tests.
    ///
    /// Context: any.
    #[cfg(CONFIG_KUNIT)]
    pub fn refuse_memory(&self, attempts: u32) {
        self.tree.refuse_memory(attempts);
    }
}
