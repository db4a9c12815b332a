// SPDX-License-Identifier: GPL-2.0

//! What outlives a pool's guard: pins, which keep a node what it is, and exclusive owners.

use super::{
    key::{
        Key,
        Note, //
    },
    nodes::Pool,
    table::{
        Grant,
        Node,
        Outside, //
    },
    word::Part, //
};
use crate::{
    context::MaySleep,
    held::Held,
    level::{
        After,
        Level,
        Unordered, //
    },
    shrinker::Reclaim, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    panic::Location,
    ptr, //
};
use kernel::{
    alloc::Flags,
    prelude::*,
    sync::{
        lock::{
            mutex::MutexBackend,
            Guard, //
        },
        Arc,
        Mutex, //
    },
};

mod private {
    pub trait Sealed {}
}

/// Proof that the caller holds no guard of a pool at the level `L`: it would have borrowed this.
///
/// Sealed: [`MaySleep`], if the pool may be taken with it, and [`Reclaim`].
pub trait Unheld<L: Level>: private::Sealed {}

impl<C: Level> private::Sealed for MaySleep<C> {}
impl<C: Level, L: After<C>> Unheld<L> for MaySleep<C> {}

impl private::Sealed for Reclaim {}
impl<L: Level> Unheld<L> for Reclaim {}

/// How a node is used. Sealed: [`Shared`] and [`Sole`].
pub trait Use: private::Sealed {
    #[doc(hidden)]
    const IS_SOLE: bool;
}

/// Together with others: see [`Pinned`].
pub enum Shared {}

/// By nobody else: see [`Exclusive`].
pub enum Sole {}

impl private::Sealed for Shared {}
impl private::Sealed for Sole {}

impl Use for Shared {
    const IS_SOLE: bool = false;
}

impl Use for Sole {
    const IS_SOLE: bool = true;
}

/// A node that stays what it is: same key, same generation, until this is dropped.
///
/// Made under the pool's lock and used after it. Nobody gets the node [`Exclusive`]ly meanwhile. It
/// may be dropped by any task, in any context and under any lock: that takes the pool's count lock
/// only, which is a leaf.
///
/// It has no level: a task that has pinned a node may wait for anything, also for the pins of another
/// node, and whoever waits for this pin waits for that. Such a wait has to be one that ends otherwise,
/// see [`CanGiveUp`](super::CanGiveUp); a task that waits for a node that it has pinned itself is the
/// simplest case.
///
/// `mem::forget` leaks the node: it is never reaped, and the pool reports it when it goes.
pub type Pinned<'p, K, N, M = (), L = Unordered> = Handle<'p, K, N, M, L, Shared>;

/// A node that nobody else has: it can be freed or become another one.
///
/// Dropping it gives the node back as it is; that can be done wherever a pin can be dropped.
/// `mem::forget` leaks the node, as with [`Pinned`]. Whoever has it and waits for the node itself does so
/// until the wait ends otherwise.
pub type Exclusive<'p, K, N, M = (), L = Unordered> = Handle<'p, K, N, M, L, Sole>;

/// A node that is used: [`Pinned`], or [`Exclusive`].
///
/// Dropping it gives the node back, in any context and under any lock, also under the guard of its own
/// pool. `mem::forget` leaks the node, and [`Pool::leaks`] names it.
///
/// # Invariants
///
/// The node is counted as used in the way that `U` says.
#[must_use = "the node is given back immediately when this is unused"]
pub struct Handle<'p, K: Key, N: Send + 'static, M: Note, L: Level, U: Use> {
    pool: &'p Pool<K, N, M, L>,
    grant: Grant<K, N>,
    _use: PhantomData<U>,
}

impl<'p, K: Key, N: Send + 'static, M: Note, L: Level, U: Use> Handle<'p, K, N, M, L, U> {
    /// The caller has counted the use.
    pub(super) fn new(pool: &'p Pool<K, N, M, L>, grant: Grant<K, N>) -> Self {
        // INVARIANT: The caller has.
        Self {
            pool,
            grant,
            _use: PhantomData,
        }
    }

    const PART: Part = if U::IS_SOLE { Part::Sole } else { Part::Pin };

    /// Returns what the node is.
    ///
    /// Context: any.
    pub fn key(&self) -> K {
        self.grant.key
    }

    /// Returns which of the nodes of this key it is: no two of a pool have the same one.
    ///
    /// Context: any.
    pub fn generation(&self) -> u64 {
        self.grant.ticket.generation()
    }

    /// Acquires the node's lock.
    ///
    /// Context: may sleep; no guard of the pool is held, which the capability sees to.
    pub fn lock_in<'a, 'c, C: Level>(
        &'a self,
        cx: &'c mut MaySleep<C>,
    ) -> Held<'a, 'c, N, MutexBackend, C, L>
    where
        L: After<C>,
    {
        Held::new(self.grant.node.payload.lock(), cx)
    }

    /// As [`Handle::lock_in`], but returns [`None`] if somebody else holds the lock.
    ///
    /// Context: process context; does not sleep.
    pub fn try_lock(&self) -> Option<Guard<'_, N, MutexBackend>> {
        self.grant.node.payload.try_lock()
    }

    pub(super) fn is_of(&self, pool: &Pool<K, N, M, L>) -> bool {
        ptr::eq(self.pool, pool)
    }

    pub(super) fn grant(&self) -> &Grant<K, N> {
        &self.grant
    }

    /// Leaves the node to the caller, who has counted the end of its use.
    fn into_node(self) -> Arc<Node<N>> {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not dropped and not used afterwards; what else is in it has no destructor.
        unsafe { ptr::read(&this.grant.node) }
    }
}

impl<'p, K: Key, N: Send + 'static, M: Note, L: Level> Exclusive<'p, K, N, M, L> {
    /// Takes the node out of the pool and frees it.
    ///
    /// Context: as the payload's destructor, which runs with no lock of the pool held.
    #[doc(alias = "btree_node_free")]
    pub fn free(self, _unheld: &mut impl Unheld<L>) {
        let taken = self.take();
        self.pool.uses.remove(self.grant.ticket, Part::Sole);
        drop((taken, self.into_node()));
    }

    /// Makes another node of it: a new key, a new generation, the same payload.
    ///
    /// Who waits for the node under its old key is told that it is not there any more. The payload
    /// stays as it is; the caller has changed it, or does so through the pin.
    ///
    /// Context: may sleep, as `flags` say.
    ///
    /// # Errors
    ///
    /// Returns the node as it was, with `ENOMEM`, or with `EEXIST` if there is one with this key.
    #[track_caller]
    pub fn reuse<C: Level>(
        self,
        cx: &mut MaySleep<C>,
        key: K,
        note: M,
        flags: Flags,
    ) -> Result<Pinned<'p, K, N, M, L>, (Self, Error)>
    where
        L: After<C>,
    {
        let at = Location::caller();
        let node = self.grant.node.clone();
        match self
            .pool
            .add(cx, key, note, node, Some(&self.grant), at, flags)
        {
            Ok(pin) => {
                self.pool.uses.remove(self.grant.ticket, Part::Sole);
                drop(self.into_node());
                Ok(pin)
            }
            Err(error) => Err((self, error)),
        }
    }

    fn take(&self) -> Option<Outside<K, N, M>> {
        let mut table = self.pool.table.lock();
        let taken = table.take(self.grant.number, self.grant.ticket)?;
        self.pool.taken(&taken);
        Some(taken)
    }
}

impl<K: Key, N: Send + 'static, M: Note, L: Level> Pool<K, N, M, L> {
    /// Adds a node, and pins it.
    ///
    /// Memory is got before the lock is taken; `flags` has to fit what the caller does, `GFP_NOIO`
    /// for example if the node is needed to write pages out.
    ///
    /// Context: may sleep, as `flags` say.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `EEXIST` if there is a node with this key. The payload is dropped.
    #[track_caller]
    pub fn insert<C: Level>(
        &self,
        cx: &mut MaySleep<C>,
        key: K,
        note: M,
        payload: N,
        flags: Flags,
    ) -> Result<Pinned<'_, K, N, M, L>>
    where
        L: After<C>,
    {
        let at = Location::caller();
        let node = Arc::pin_init(
            pin_init!(Node {
                payload <- Mutex::new(payload, self.name, self.payload_class),
            }),
            flags,
        )?;
        self.add(cx, key, note, node, None, at, flags)
    }

    /// Adds a node in the place of `old`, if that is given, and pins it.
    #[allow(clippy::too_many_arguments, reason = "what a node consists of")]
    fn add<C: Level>(
        &self,
        _cx: &mut MaySleep<C>,
        key: K,
        note: M,
        node: Arc<Node<N>>,
        old: Option<&Grant<K, N>>,
        at: &'static Location<'static>,
        flags: Flags,
    ) -> Result<Pinned<'_, K, N, M, L>>
    where
        L: After<C>,
    {
        let ticket = self.uses.add(key, at, flags)?;
        let grant = Grant {
            node,
            key,
            number: key.number(),
            ticket,
        };
        let added = Outside::new(grant.clone(), note, flags)
            .and_then(|node| self.put(node, old).map_err(|_unused| EEXIST));
        if let Err(error) = added {
            self.uses.remove(ticket, Part::Pin);
            return Err(error);
        }
        Ok(Handle::new(self, grant))
    }

    /// Puts a node into the table, and takes `old` out. If there is one with its key it is returned,
    /// and nothing has changed.
    fn put(
        &self,
        node: Outside<K, N, M>,
        old: Option<&Grant<K, N>>,
    ) -> Result<(), Outside<K, N, M>> {
        let mut table = self.table.lock();
        let taken = old.and_then(|old| table.take(old.number, old.ticket));
        let added = table.add(node);
        let unused = match (&added, taken) {
            (Ok(()), Some(taken)) => Some(taken),
            (Ok(()), None) => {
                self.added();
                None
            }
            // SAFETY: Nothing was taken out since: this is the same lock. Its place is free for that reason.
            (Err(_), Some(taken)) => unsafe { table.put_back(taken) },
            (Err(_), None) => None,
        };
        drop(table);
        drop(unused);
        added
    }
}

impl<K: Key, N: Send + 'static, M: Note, L: Level, U: Use> Drop for Handle<'_, K, N, M, L, U> {
    fn drop(&mut self) {
        self.pool.uses.end(self.grant.ticket, Self::PART);
    }
}
