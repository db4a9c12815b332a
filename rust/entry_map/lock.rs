// SPDX-License-Identifier: GPL-2.0

//! Locking what is there, alone or with others.

use super::{
    acquire::Had,
    guard::{
        DetachedEntry,
        EntryGuard,
        LockedEntry, //
    },
    hold::{
        Detached,
        InHand, //
    },
    map::EntryMap,
    reader::{
        DetachedSharedEntry,
        SharedEntry,
        SharedEntryGuard, //
    },
    state::Access,
    value::Value, //
};
use crate::{
    context::MaySleep,
    event::{
        platform::KernelSleeper,
        ModeAt, //
    },
    level::{
        After,
        Level, //
    },
};
use kernel::prelude::*;

// No closures where guards are made: what the registry is told is the place of the caller.
impl<V: Value, L: Level> EntryMap<V, L> {
    /// Locks the entry for `index`, if there is one.
    ///
    /// It takes no lock of the map if nobody has the entry.
    ///
    /// Context: as [`EntryMap::at`].
    ///
    /// # Errors
    ///
    /// As there.
    #[inline]
    #[track_caller]
    pub fn lock<'c, C: Level, M: ModeAt<C>>(
        &self,
        cx: &'c mut MaySleep<C>,
        mode: M,
        index: usize,
    ) -> Result<Option<EntryGuard<'_, 'c, V, L>>>
    where
        L: After<C>,
    {
        let Some(had) = self.wait_for::<C, M>(cx, mode, index, Access::Exclusive)? else {
            return Ok(None);
        };
        let hold = InHand::new(&self.tree);
        Ok(Some(LockedEntry::new(&self.tree, had, hold)))
    }

    /// As [`EntryMap::lock`], without waiting; the entry is [detached](DetachedEntry).
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// [`EAGAIN`] if another task owns the entry; [`EDEADLK`] as there.
    #[inline]
    #[track_caller]
    pub fn try_lock(&self, index: usize) -> Result<Option<DetachedEntry<'_, V, L>>> {
        let Some(had) = self.tree.acquire(index, Access::Exclusive, || None)? else {
            return Ok(None);
        };
        Ok(Some(LockedEntry::new(&self.tree, had, Detached::new())))
    }

    /// Shares the entry for `index` with others who do so, if there is one: see [`SharedEntry`].
    ///
    /// It waits while another task owns the entry, or waits to own it.
    ///
    /// Context: as [`EntryMap::at`].
    ///
    /// # Errors
    ///
    /// As [`EntryMap::lock`].
    ///
    /// # Examples
    ///
    /// ```
    /// use baton::entry_map::{new_entry_map, EntryMap, Order, Outcome};
    /// use baton::event::Killable;
    /// use baton::MaySleep;
    /// use kernel::prelude::*;
    ///
    /// # let cx = &mut MaySleep::assert();
    /// let map: Pin<KBox<EntryMap<u64>>> = KBox::pin_init(new_entry_map!(), GFP_KERNEL)?;
    /// let _ = map.try_at(7, Order::Pte, |_| Outcome::Insert(42))?;
    ///
    /// let one = map.try_lock_shared(7)?.ok_or(ENOENT)?;
    /// if let Some(other) = map.lock_shared(cx, Killable, 7)? {
    ///     // What they stand for stays what it is.
    ///     assert_eq!((one.value(), other.value()), (42, 42));
    /// }
    /// // Who wants it alone waits until all have given it up.
    /// assert_eq!(map.try_lock(7).err(), Some(EAGAIN));
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    #[track_caller]
    pub fn lock_shared<'c, C: Level, M: ModeAt<C>>(
        &self,
        cx: &'c mut MaySleep<C>,
        mode: M,
        index: usize,
    ) -> Result<Option<SharedEntryGuard<'_, 'c, V, L>>>
    where
        L: After<C>,
    {
        let Some(had) = self.wait_for::<C, M>(cx, mode, index, Access::Shared)? else {
            return Ok(None);
        };
        let hold = InHand::new(&self.tree);
        Ok(Some(SharedEntry::new(&self.tree, had, hold)))
    }

    /// As [`EntryMap::lock_shared`], without waiting; it is in nobody's hands.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// [`EAGAIN`] if another task owns the entry, or waits to own it; [`EDEADLK`] as there.
    #[inline]
    #[track_caller]
    pub fn try_lock_shared(&self, index: usize) -> Result<Option<DetachedSharedEntry<'_, V, L>>> {
        let Some(had) = self.tree.acquire(index, Access::Shared, || None)? else {
            return Ok(None);
        };
        Ok(Some(SharedEntry::new(&self.tree, had, Detached::new())))
    }

    #[inline]
    #[track_caller]
    fn wait_for<C: Level, M: ModeAt<C>>(
        &self,
        _cx: &mut MaySleep<C>,
        mode: M,
        index: usize,
        access: Access,
    ) -> Result<Option<Had>> {
        if cfg!(CONFIG_DEBUG_ATOMIC_SLEEP) {
            kernel::task::might_sleep();
        }
        self.tree.map.wait();
        let mut sleeper = None;
        self.tree.acquire(index, access, || {
            Some(sleeper.insert(KernelSleeper::new::<C, M>(&mode)))
        })
    }
}
