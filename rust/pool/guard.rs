// SPDX-License-Identifier: GPL-2.0

//! The guard of a pool: looking nodes up, selecting them, waiting for their pins.

use super::{
    current,
    ends,
    pin::{
        Exclusive,
        Pinned, //
    },
    table::{
        Candidate,
        Grant,
        Refused,
        Table, //
    },
    Batch,
    Key,
    Note,
    Pool,
    State, //
};
use crate::{
    event::{
        Interruptible,
        Killable,
        Mode,
        Timeout, //
    },
    held::Held,
    level::{
        After,
        Level, //
    },
    registry::{
        self,
        Kind, //
    },
    trace::{
        self,
        Pin as Step, //
    },
};
use core::{
    mem::ManuallyDrop,
    panic::Location, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::Relaxed,
        lock::spinlock::SpinLockBackend, //
    },
};

/// A form of waiting that something else than the event can end.
///
/// A pin can be forgotten, which nothing notices while the pool is in use. So a wait for pins has to
/// be one that ends all the same.
pub trait CanGiveUp: Mode {}

impl CanGiveUp for Interruptible {}
impl CanGiveUp for Killable {}
impl<M> CanGiveUp for Timeout<M> where Timeout<M>: Mode {}

/// The lock under a guard.
type HeldState<'p, 'c, K, N, M, C, L> = Held<'p, 'c, State<K, N, M, L>, SpinLockBackend, C, L>;

/// The held lock of a [`Pool`].
///
/// What it looks up does not outlive it, except as [`Pinned`] or [`Exclusive`]. While it lives the
/// capability to sleep is borrowed.
///
/// `mem::forget` leaves the pool locked for ever.
#[must_use = "the lock unlocks immediately when the guard is unused"]
pub struct PoolGuard<'p, 'c, K: Key, N: Send + 'static, M: Note, C: Level, L: Level> {
    pool: &'p Pool<K, N, M, L>,
    held: ManuallyDrop<HeldState<'p, 'c, K, N, M, C, L>>,
}

impl<'p, 'c, K: Key, N: Send + 'static, M: Note, C: Level, L: Level>
    PoolGuard<'p, 'c, K, N, M, C, L>
{
    pub(crate) fn new(pool: &'p Pool<K, N, M, L>, held: HeldState<'p, 'c, K, N, M, C, L>) -> Self {
        pool.holder.store(current(), Relaxed);
        Self {
            pool,
            held: ManuallyDrop::new(held),
        }
    }

    /// Changes the table, and considers who waits.
    pub(crate) fn update<R>(&mut self, change: impl FnOnce(&mut Table<K, N, M>) -> R) -> R {
        self.held.update(|state| state.project().table, change)
    }

    /// Tells the registry of pins, or of an exclusive owner, more.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn begins(&self, step: Step, nodes: u64) {
        if registry::is_on() {
            for _ in 0..nodes {
                registry::owe(Kind::Pin, self.held.table.object());
            }
        }
        trace::pin(self.held.table.object(), step, nodes);
    }

    /// Before the lock is released: counts what this task has dropped under it.
    fn leave(&mut self) {
        if self.pool.unsettled.load(Relaxed) {
            self.pool.unsettled.store(false, Relaxed);
            let object = self.held.table.object();
            self.update(|table| table.settle(|exclusive| ends(object, exclusive)));
        }
        self.pool.holder.store(0, Relaxed);
    }

    /// Pins the node with this key and makes it the youngest.
    ///
    /// # Errors
    ///
    /// [`Refused::Absent`] if there is none, [`Refused::Busy`] if somebody owns it exclusively.
    #[track_caller]
    pub fn pin(&mut self, key: K) -> Result<Pinned<'p, K, N, M, L>, Refused> {
        let at = Location::caller();
        let Grant { node, generation } = self.update(|table| table.pin(&key, at))?;
        self.begins(Step::Pins, 1);
        Ok(Pinned::new(self.pool, key, node, generation))
    }

    /// Pins the oldest nodes that `wanted` accepts, until `batch` is full; returns how many.
    ///
    /// Nodes that somebody owns exclusively are not offered. The pins are used after this guard is
    /// gone; their nodes stay what they are, and as old as they are.
    #[track_caller]
    pub fn select(
        &mut self,
        batch: &mut Batch<'p, K, N, M, L>,
        mut wanted: impl FnMut(Candidate<'_, K, M>) -> bool,
    ) -> usize {
        let at = Location::caller();
        let pool = self.pool;
        let before = batch.len();
        self.update(|table| {
            for key in table.order.values() {
                if batch.is_full() {
                    break;
                }
                let Some(record) = table.nodes.get_mut(key) else {
                    continue;
                };
                if record.exclusive || !wanted(record.candidate(key)) {
                    continue;
                }
                record.pins += 1;
                record.at = at;
                let Grant { node, generation } = record.grant();
                batch.push(Pinned::new(pool, *key, node, generation));
            }
        });
        let count = batch.len() - before;
        // CAST: `usize` is not wider.
        self.begins(Step::Pins, count as u64);
        count
    }

    /// Looks at, or changes, what was noted about a pinned node.
    ///
    /// # Errors
    ///
    /// [`Refused::Absent`] if the pin is of another pool.
    pub fn note<R>(
        &mut self,
        pin: &Pinned<'_, K, N, M, L>,
        change: impl FnOnce(&mut M) -> R,
    ) -> Result<R, Refused> {
        if !pin.is_of(self.pool) {
            return Err(Refused::Absent);
        }
        let key = pin.key();
        self.update(|table| {
            let record = table.nodes.get_mut(&key).ok_or(Refused::Absent)?;
            Ok(change(&mut record.note))
        })
    }

    /// Takes the node over if nobody has it.
    ///
    /// # Errors
    ///
    /// [`Refused::Absent`] if there is none, [`Refused::Busy`] if it is pinned or owned.
    #[track_caller]
    #[doc(alias = "mca_reap")]
    pub fn try_exclusive(&mut self, key: K) -> Result<Exclusive<'p, K, N, M, L>, Refused> {
        let grant = self.update(|table| table.own(&key))?;
        self.begins(Step::Owns, 1);
        Ok(Exclusive::new(self.pool, key, grant))
    }

    /// Takes the oldest node over that nobody has and `wanted` accepts.
    #[track_caller]
    pub fn try_exclusive_oldest(
        &mut self,
        wanted: impl FnMut(Candidate<'_, K, M>) -> bool,
    ) -> Option<Exclusive<'p, K, N, M, L>> {
        let (key, grant) = self.update(|table| table.own_oldest(wanted))?;
        self.begins(Step::Owns, 1);
        Some(Exclusive::new(self.pool, key, grant))
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
    pub fn wait_unpinned<W: CanGiveUp>(
        mut self,
        mode: W,
        key: K,
    ) -> (
        Self,
        Result<Result<Exclusive<'p, K, N, M, L>, Refused>, W::Error>,
    )
    where
        L: After<C>,
    {
        self.leave();
        let pool = self.pool;
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is not dropped and not used afterwards.
        let held = unsafe { ManuallyDrop::take(&mut this.held) };
        let (held, granted) =
            held.on(|state| &state.table)
                .when(move |table| !table.is_busy(&key), move |table| table.own(&key))
                .wait_relock(mode);
        let guard = Self::new(pool, held);
        if let Ok(Ok(_)) = &granted {
            guard.begins(Step::Owns, 1);
        }
        let result = granted.map(|grant| grant.map(|grant| Exclusive::new(pool, key, grant)));
        (guard, result)
    }
}

impl<K: Key, N: Send + 'static, M: Note, C: Level, L: Level> Drop
    for PoolGuard<'_, '_, K, N, M, C, L>
{
    fn drop(&mut self) {
        self.leave();
        // SAFETY: The lock is not used afterwards.
        unsafe { ManuallyDrop::drop(&mut self.held) };
    }
}
