// SPDX-License-Identifier: GPL-2.0

//! What outlives a pool's guard: pins, which keep a node what it is, and exclusive owners.

use super::{
    ends,
    table::{
        Grant,
        Node,
        Record,
        Taken, //
    },
    Key,
    Note,
    Pool, //
};
use crate::{
    context::MaySleep,
    held::Held,
    level::{
        After,
        Level,
        Unordered, //
    },
    shrinker::Reclaim,
};
use core::{
    mem::ManuallyDrop,
    panic::Location,
    ptr, //
};
use kernel::{
    alloc::Flags,
    prelude::*,
    rbtree::RBTreeNode,
    sync::{
        lock::{
            mutex::MutexBackend,
            Guard, //
        },
        Arc, //
    },
};

/// Proof that the caller holds no guard of a pool: it would have borrowed this.
///
/// Implemented by [`MaySleep`] and by [`Reclaim`].
pub trait Unheld {}

impl<C: Level> Unheld for MaySleep<C> {}
impl Unheld for Reclaim {}

/// A node that stays what it is: same key, same generation, until this is dropped.
///
/// Made under the pool's lock and used after it. Nobody gets the node [`Exclusive`]ly meanwhile. It
/// may be dropped by any task, also under a guard of the pool, but not in an interrupt.
///
/// `mem::forget` leaks the node: it is never reaped, and the pool reports it when it goes.
#[must_use = "the node is unpinned immediately when this is unused"]
pub struct Pinned<'p, K: Key, N: Send + 'static, M: Note = (), L: Level = Unordered> {
    pool: &'p Pool<K, N, M, L>,
    node: Arc<Node<N>>,
    key: K,
    generation: u64,
}

impl<'p, K: Key, N: Send + 'static, M: Note, L: Level> Pinned<'p, K, N, M, L> {
    /// The caller has counted the pin.
    pub(crate) fn new(
        pool: &'p Pool<K, N, M, L>,
        key: K,
        node: Arc<Node<N>>,
        generation: u64,
    ) -> Self {
        Self {
            pool,
            node,
            key,
            generation,
        }
    }

    /// Returns what the node is.
    pub fn key(&self) -> K {
        self.key
    }

    /// Returns which of the nodes of this key it is: no two of a pool have the same one.
    pub fn generation(&self) -> u64 {
        self.generation
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
        Held::new(self.node.payload.lock(), cx)
    }

    /// As [`Pinned::lock_in`], but returns [`None`] if somebody else holds the lock.
    pub fn try_lock(&self) -> Option<Guard<'_, N, MutexBackend>> {
        self.node.payload.try_lock()
    }

    pub(crate) fn is_of(&self, pool: &Pool<K, N, M, L>) -> bool {
        core::ptr::eq(self.pool, pool)
    }
}

impl<K: Key, N: Send + 'static, M: Note, L: Level> Drop for Pinned<'_, K, N, M, L> {
    fn drop(&mut self) {
        self.pool.release(&self.key, &self.node, false);
    }
}

/// A node that nobody else has: it can be freed or become another one.
///
/// Dropping it gives the node back as it is. `mem::forget` leaks the node, as with [`Pinned`].
#[must_use = "the node is given back immediately when this is unused"]
pub struct Exclusive<'p, K: Key, N: Send + 'static, M: Note = (), L: Level = Unordered> {
    pool: &'p Pool<K, N, M, L>,
    node: Arc<Node<N>>,
    key: K,
    generation: u64,
}

impl<'p, K: Key, N: Send + 'static, M: Note, L: Level> Exclusive<'p, K, N, M, L> {
    /// The caller has marked the node as owned.
    pub(crate) fn new(pool: &'p Pool<K, N, M, L>, key: K, grant: Grant<N>) -> Self {
        let Grant { node, generation } = grant;
        Self {
            pool,
            node,
            key,
            generation,
        }
    }

    /// Returns what the node is.
    pub fn key(&self) -> K {
        self.key
    }

    /// Returns which of the nodes of this key it is.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Acquires the node's lock; there is nobody who could hold it.
    pub fn lock_in<'a, 'c, C: Level>(
        &'a self,
        cx: &'c mut MaySleep<C>,
    ) -> Held<'a, 'c, N, MutexBackend, C, L>
    where
        L: After<C>,
    {
        Held::new(self.node.payload.lock(), cx)
    }

    /// As [`Exclusive::lock_in`], without sleeping, for reclaim.
    pub fn try_lock(&self) -> Option<Guard<'_, N, MutexBackend>> {
        self.node.payload.try_lock()
    }

    /// Takes the node out of the pool and frees it.
    ///
    /// Context: as the payload's destructor.
    #[doc(alias = "btree_node_free")]
    pub fn free(self, _unheld: &mut impl Unheld) {
        let taken = self.take();
        // Without the lock, because of the payload's destructor.
        drop((taken, self.into_node()));
    }

    /// Makes another node of it: a new key, a new generation, the same payload.
    ///
    /// Who waits for the node under its old key is told that it is not there any more. The payload
    /// stays as it is; the caller has changed it, or does so through the pin.
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
        let pool = self.pool;
        let record = Record {
            node: self.node.clone(),
            note,
            generation: 0,
            used: 0,
            pins: 1,
            exclusive: false,
            at,
        };
        let record = match RBTreeNode::new(key, record, flags) {
            Ok(record) => record,
            Err(error) => return Err((self, error)),
        };
        let order = match RBTreeNode::new(0, key, flags) {
            Ok(order) => order,
            Err(error) => return Err((self, error)),
        };
        let old = self.key;
        // What is not in the table any more, or not yet, is dropped after the lock.
        let result = pool.lock_in(cx).update(|table| {
            if key != old && table.nodes.get(&key).is_some() {
                return Err((record, order));
            }
            let taken = table.take(&old);
            let generation = table.add(key, record, order);
            Ok((generation, taken))
        });
        let (generation, taken) = match result {
            Ok(done) => done,
            Err(unused) => {
                drop(unused);
                return Err((self, EEXIST));
            }
        };
        drop(taken);
        let node = self.into_node();
        Ok(Pinned::new(pool, key, node, generation))
    }

    /// Gives up the ownership without giving the node back; the caller has done so.
    fn into_node(self) -> Arc<Node<N>> {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not dropped and not used afterwards; the other fields have no destructor.
        unsafe { ptr::read(&this.node) }
    }

    fn take(&self) -> Option<Taken<K, N, M>> {
        let mut state = self.pool.state.lock();
        ends(state.table.object(), true);
        state
            .as_mut()
            .project()
            .table
            .update(|table| table.take(&self.key))
    }
}

impl<K: Key, N: Send + 'static, M: Note, L: Level> Drop for Exclusive<'_, K, N, M, L> {
    fn drop(&mut self) {
        self.pool.release(&self.key, &self.node, true);
    }
}
