// SPDX-License-Identifier: GPL-2.0

//! What a task can do with an entry in its hands: sleep, lock others, split it, let go of it.

use super::{
    guard::{
        DetachedEntry,
        EntryGuard,
        LockedEntry, //
    },
    hold::{
        Detached,
        InHand, //
    },
    locked::Target,
    slot::{
        At,
        Outcome,
        Slot, //
    },
    state::Order,
    value::{
        content,
        Value, //
    },
    visit::{
        Plain,
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
    registry::{
        self,
        Kind, //
    },
};
use kernel::prelude::*;

impl<'a, 'c, V: Value, L: Level> EntryGuard<'a, 'c, V, L> {
    /// Returns the capability to sleep while the entry is locked: for what stands below the map.
    #[inline]
    pub fn inner(&mut self) -> &mut MaySleep<L> {
        &mut self.hold.inner
    }

    /// Leaves the locked entry to whoever gets the returned value; the capability is free again.
    ///
    /// For entries that another task, or an interrupt handler, unlocks. See [`DetachedEntry`] for what
    /// is not noticed any more then.
    ///
    /// Context: any.
    #[inline]
    pub fn detach(self) -> DetachedEntry<'a, V, L> {
        self.hand(Detached::new())
    }

    /// Locks the entry for `index` as well, if there is one. It must be behind this one.
    ///
    /// The order of the indices is that in which all tasks lock several entries of a map, so that no
    /// two of them wait for each other. The guard that is returned has borrowed this one.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// [`EDEADLK`] if `index` is covered by this entry, [`EINVAL`] if it is before it; those of
    /// [`EntryMap::at`](super::EntryMap::at).
    #[inline]
    #[track_caller]
    pub fn lock_next<'g, M: ModeAt<L>>(
        &'g mut self,
        mode: M,
        index: usize,
    ) -> Result<Option<EntryGuard<'a, 'g, V, L>>> {
        let mut lock = Plain(|slot| match slot {
            Slot::Unlocked(_) => Outcome::Lock,
            Slot::Vacant | Slot::Conflict(_) => Outcome::Leave,
        });
        self.next(mode, index, Order::Pte, &mut lock)
            .map(At::locked)
    }

    /// As [`EntryMap::at`](super::EntryMap::at), for an entry behind this one: see
    /// [`EntryGuard::lock_next`].
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn at_next<'g, M: ModeAt<L>>(
        &'g mut self,
        mode: M,
        index: usize,
        order: Order,
        f: impl FnMut(Slot<V>) -> Outcome<V> + Send,
    ) -> Result<At<V, EntryGuard<'a, 'g, V, L>>> {
        self.next(mode, index, order, &mut User(f))
    }

    #[track_caller]
    fn next<'g, M: ModeAt<L>>(
        &'g mut self,
        mode: M,
        index: usize,
        order: Order,
        visitor: &mut impl Visitor<V>,
    ) -> Result<At<V, EntryGuard<'a, 'g, V, L>>> {
        let base = index & !(order.len() - 1);
        let last = index | (order.len() - 1);
        if last < self.granule.base() {
            return Err(EINVAL);
        }
        if base <= self.granule.last() {
            return Err(EDEADLK);
        }
        let mut xas = Xas::new(self.tree, index, order)?;
        let mut sleeper = KernelSleeper::new::<L, M>(&mode);
        let visited = self
            .tree
            .visit(Target::Here, &mut xas, Some(&mut sleeper), visitor)?;
        visited.map_or(Ok(At::Left), |end| {
            LockedEntry::at(self.tree, end, InHand::another)
        })
    }

    /// Splits an entry of [`Order::Pmd`] into 512 of [`Order::Pte`], and unlocks them.
    ///
    /// `f` returns the value for an index. It is called once for each, in their order, before anything
    /// is changed and with no lock held but the entry. With [`Memory::NoIo`](super::Memory::NoIo) what it
    /// allocates is got without I/O as well. The new entries have the marks of the old one;
    /// they are zero entries if it was one. Everybody who waits for the old one looks again.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// Returns the guard, and the entry as it was, with [`EINVAL`] if the entry is of
    /// [`Order::Pte`], [`EINVAL`] if one of the values has more than 48 bits, or [`ENOMEM`].
    #[track_caller]
    pub fn split(self, mut f: impl FnMut(usize) -> V) -> Result<(), SplitError<'a, 'c, V, L>> {
        match self.values(&mut f) {
            Ok(values) => self.split_into(&values),
            Err(error) => Err(SplitError { guard: self, error }),
        }
    }

    /// Returns the bits of what `f` returns for each index.
    fn values(&self, f: &mut impl FnMut(usize) -> V) -> Result<KVec<u64>> {
        if self.granule.order() != Order::Pmd {
            return Err(EINVAL);
        }
        self.tree.with_memory(|| {
            let mut values = KVec::with_capacity(Order::Pmd.len(), GFP_KERNEL)?;
            for index in self.granule.base()..=self.granule.last() {
                let content = content(f(index), self.content.zero).ok_or(EINVAL)?;
                // There is room for all of them.
                values.push(content.value, GFP_KERNEL)?;
            }
            Ok(values)
        })
    }

    #[track_caller]
    fn split_into(self, values: &[u64]) -> Result<(), SplitError<'a, 'c, V, L>> {
        self.paid();
        match self
            .tree
            .split_owned(self.granule, self.content.zero, values)
        {
            Ok(()) => {
                self.has_gone();
                Ok(())
            }
            Err(error) => {
                registry::owe(Kind::Entry, self.tree.object(self.granule));
                Err(SplitError { guard: self, error })
            }
        }
    }
}

impl<'a, V: Value, L: Level> DetachedEntry<'a, V, L> {
    /// Takes the locked entry into the hands of this task, which lends its capability to sleep to it.
    ///
    /// Context: may sleep, though this does not.
    #[inline]
    pub fn attach<'c, C: Level>(self, _cx: &'c mut MaySleep<C>) -> EntryGuard<'a, 'c, V, L>
    where
        L: After<C>,
    {
        let hold = InHand::new(self.tree);
        self.hand(hold)
    }
}

/// A split that failed: why, and the guard of the entry, which is as it was.
///
/// Dropping it drops the guard, which unlocks the entry; `mem::forget` leaves it locked for ever.
#[derive(Debug)]
pub struct SplitError<'a, 'c, V: Value, L: Level = Unordered> {
    /// The guard.
    pub guard: EntryGuard<'a, 'c, V, L>,
    /// Why.
    pub error: Error,
}

impl<V: Value, L: Level> From<SplitError<'_, '_, V, L>> for Error {
    fn from(error: SplitError<'_, '_, V, L>) -> Self {
        error.error
    }
}
