// SPDX-License-Identifier: GPL-2.0

//! The guard of a pool: looking nodes up, selecting them, waiting for their pins.

use super::{
    batch::Batch,
    handle::{
        Exclusive,
        Handle,
        Pinned, //
    },
    key::{
        Key,
        Note, //
    },
    nodes::Pool,
    slots::Refused,
    table::{
        Candidate,
        Table, //
    },
    word::Part, //
};
use crate::{
    context::{
        Borrowed,
        MaySleep, //
    },
    event::{
        Budget,
        ForIo,
        Freezable,
        Interruptible,
        Killable,
        Mode,
        ModeAt,
        Timeout,
        Within, //
    },
    level::{
        After,
        Level, //
    },
};
use core::panic::Location;
use kernel::{
    prelude::*,
    sync::lock::{
        spinlock::SpinLockBackend,
        Guard, //
    },
};

mod private {
    pub trait Sealed {}
}

/// A form of waiting that something else than the event can end.
///
/// A pin can be forgotten, which nothing notices while the pool is in use. So a wait for pins has to
/// be one that ends all the same. Sealed: [`Interruptible`], [`Killable`], and every form with a
/// limit, [`Timeout`] or [`Within`].
pub trait CanGiveUp: Mode + private::Sealed {}

impl private::Sealed for Interruptible {}
impl private::Sealed for Killable {}
impl<M, T> private::Sealed for Timeout<M, T> {}
impl<M, T: Budget> private::Sealed for Within<'_, M, T> {}

impl<M> private::Sealed for Freezable<M> {}
impl<M> private::Sealed for ForIo<M> {}

impl CanGiveUp for Interruptible {}
impl CanGiveUp for Killable {}
impl<M, T> CanGiveUp for Timeout<M, T> where Self: Mode {}
impl<M: CanGiveUp> CanGiveUp for Freezable<M> {}
impl<M: CanGiveUp> CanGiveUp for ForIo<M> {}
impl<M, T: Budget> CanGiveUp for Within<'_, M, T> where Self: Mode {}

/// The held lock of a [`Pool`].
///
/// What it looks up does not outlive it, except as [`Pinned`] or [`Exclusive`]. While it lives the
/// capability to sleep is borrowed. Pins and owners, also of this pool, may be dropped under it.
///
/// The closures that are called under it run with the spinlock held: they must be short and must not
/// sleep. They are `Send`, so that they cannot capture a capability to sleep or a guard.
///
/// Dropping it releases the lock. `mem::forget` leaves the pool locked for ever. The pool cannot be locked
/// under its own guard: the capability is borrowed.
#[must_use = "the lock unlocks immediately when the guard is unused"]
pub struct PoolGuard<'p, 'c, K: Key, N: Send + 'static, M: Note, C: Level, L: Level> {
    pool: &'p Pool<K, N, M, L>,
    table: Guard<'p, Table<K, N, M>, SpinLockBackend>,
    cx: &'c mut MaySleep<C>,
    _borrowed: Borrowed<'c>,
}

impl<K: Key, N: Send + 'static, M: Note, L: Level> Pool<K, N, M, L> {
    /// Acquires the pool's lock.
    ///
    /// Context: may sleep afterwards; under the guard nothing can.
    #[inline]
    pub fn lock_in<'p, 'c, C: Level>(
        &'p self,
        cx: &'c mut MaySleep<C>,
    ) -> PoolGuard<'p, 'c, K, N, M, C, L>
    where
        L: After<C>,
    {
        PoolGuard {
            pool: self,
            table: self.table.lock(),
            cx,
            _borrowed: Borrowed::new(),
        }
    }

    /// Takes the oldest node over that nobody has and `wanted` accepts.
    pub(super) fn own_oldest(
        &self,
        table: &mut Table<K, N, M>,
        at: &'static Location<'static>,
        mut wanted: impl FnMut(Candidate<'_, K, M>) -> bool,
    ) -> Option<Exclusive<'_, K, N, M, L>> {
        table.oldest_first(|record| {
            let ticket = record.ticket();
            // Nobody pins it now, because that takes the pool's lock. The user is not asked with the
            // counts locked. Who waits for it may have got it meanwhile.
            if self.uses.pins(ticket) == Some(0)
                && wanted(record.candidate(0))
                && self.uses.begin(ticket, Part::Sole, at).is_ok()
            {
                return Some(Handle::new(self, record.grant()));
            }
            None
        })
    }

    /// Takes the node over if nobody has it.
    pub(super) fn own(
        &self,
        table: &Table<K, N, M>,
        number: u128,
        at: &'static Location<'static>,
    ) -> Result<Exclusive<'_, K, N, M, L>, Refused> {
        let record = table.get(number).ok_or(Refused::Absent)?;
        self.uses.begin(record.ticket(), Part::Sole, at)?;
        Ok(Handle::new(self, record.grant()))
    }
}

impl<'p, K: Key, N: Send + 'static, M: Note, C: Level, L: Level> PoolGuard<'p, '_, K, N, M, C, L> {
    /// Pins the node with this key and makes it the youngest.
    ///
    /// Context: that of the guard; it does not sleep.
    ///
    /// # Errors
    ///
    /// [`Refused::Absent`] if there is none, [`Refused::Busy`] if somebody owns it exclusively.
    #[track_caller]
    pub fn pin(&mut self, key: K) -> Result<Pinned<'p, K, N, M, L>, Refused> {
        let (at, number) = (Location::caller(), key.number());
        let grant = self.table.use_by(number, Refused::Absent, |ticket| {
            self.pool.uses.begin(ticket, Part::Pin, at)
        })?;
        Ok(Handle::new(self.pool, grant))
    }

    /// Pins the oldest nodes that `wanted` accepts, until `batch` is full; returns how many.
    ///
    /// Nodes that somebody owns exclusively are not offered. The pins are used after this guard is
    /// gone; their nodes stay what they are, and as old as they are.
    ///
    /// Context: that of the guard; `wanted` runs under the pool's lock, and must not sleep.
    #[track_caller]
    pub fn select(
        &mut self,
        batch: &mut Batch<'p, K, N, M, L>,
        mut wanted: impl FnMut(Candidate<'_, K, M>) -> bool + Send,
    ) -> usize {
        let at = Location::caller();
        let before = batch.len();
        let pool = self.pool;
        let _full = self.table.oldest_first(|record| {
            if batch.is_full() {
                return Some(());
            }
            let ticket = record.ticket();
            let pins = pool.uses.pins(ticket)?;
            // Who waits for the pins may have got the node while the user was asked.
            if wanted(record.candidate(pins)) && pool.uses.begin(ticket, Part::Pin, at).is_ok() {
                batch.push(Handle::new(pool, record.grant()));
            }
            None
        });
        batch.len() - before
    }

    /// Looks at, or changes, what was noted about a pinned node.
    ///
    /// Context: that of the guard; `change` runs under the pool's lock, and must not sleep.
    ///
    /// # Errors
    ///
    /// [`Refused::Absent`] if the pin is of another pool.
    pub fn note<R>(
        &mut self,
        pin: &Pinned<'_, K, N, M, L>,
        change: impl FnOnce(&mut M) -> R + Send,
    ) -> Result<R, Refused> {
        if !pin.is_of(self.pool) {
            return Err(Refused::Absent);
        }
        let record = self
            .table
            .get_mut(pin.grant().number)
            .ok_or(Refused::Absent)?;
        Ok(change(&mut record.note))
    }

    /// Takes the node over if nobody has it.
    ///
    /// Context: that of the guard; it does not sleep.
    ///
    /// # Errors
    ///
    /// [`Refused::Absent`] if there is none, [`Refused::Busy`] if it is pinned or owned.
    #[track_caller]
    #[doc(alias = "mca_reap")]
    pub fn try_exclusive(&mut self, key: K) -> Result<Exclusive<'p, K, N, M, L>, Refused> {
        self.pool.own(&self.table, key.number(), Location::caller())
    }

    /// Takes the oldest node over that nobody has and `wanted` accepts.
    ///
    /// Context: that of the guard; `wanted` runs under the pool's lock, and must not sleep.
    #[track_caller]
    pub fn try_exclusive_oldest(
        &mut self,
        wanted: impl FnMut(Candidate<'_, K, M>) -> bool + Send,
    ) -> Option<Exclusive<'p, K, N, M, L>> {
        self.pool
            .own_oldest(&mut self.table, Location::caller(), wanted)
    }

    /// Waits until nobody has the node, and takes it over.
    ///
    /// The guard is given up meanwhile and given back. It is the last one to unpin the node who takes
    /// it over on this task's behalf, so nobody pins it in between. A task that itself has a pin of
    /// the node waits in vain until it gives up.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// The inner result is [`Refused::Absent`] if the node is not there, or not there any more. The
    /// outer one says that the wait ended otherwise.
    #[doc(alias = "mca_cannibalize")]
    #[allow(clippy::type_complexity, reason = "the guard, and how the wait ended")]
    #[track_caller]
    pub fn wait_unpinned<W: CanGiveUp + ModeAt<C>>(
        self,
        mode: W,
        key: K,
    ) -> (
        Self,
        Result<Result<Exclusive<'p, K, N, M, L>, Refused>, W::Error>,
    )
    where
        L: After<C>,
    {
        let (at, number) = (Location::caller(), key.number());
        let pool = self.pool;
        let Some(ticket) = self.table.get(number).map(|record| record.ticket()) else {
            return (self, Ok(Err(Refused::Absent)));
        };
        let Self {
            table,
            cx,
            _borrowed,
            ..
        } = self;
        drop(table);
        let owned = pool.uses.wait(cx, mode, ticket, at);
        let guard = Self {
            pool,
            table: pool.table.lock(),
            cx,
            _borrowed,
        };
        let result = owned.map(|owned| {
            owned?;
            // It is still there: nobody else can take it out.
            let record = guard.table.get(number).ok_or(Refused::Absent)?;
            Ok(Handle::new(pool, record.grant()))
        });
        (guard, result)
    }
}
