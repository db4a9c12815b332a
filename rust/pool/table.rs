// SPDX-License-Identifier: GPL-2.0

//! What is under a pool's lock: the nodes by key, and the keys by age.

use super::{
    Key,
    Note, //
};
use core::panic::Location;
use kernel::{
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNode, //
    },
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex, //
    },
};

/// The part of a node that pins keep: its payload, under its own lock.
#[pin_data]
pub(crate) struct Node<N> {
    #[pin]
    pub(crate) payload: Mutex<N>,
    /// Pins dropped by the task that holds the pool's lock: see `Pool::release()`.
    pub(crate) unpinned: Atomic<usize>,
    /// The same for the exclusive owner: 1 if it was dropped.
    pub(crate) returned: Atomic<usize>,
}

/// The part of a node that the pool's lock protects.
pub(crate) struct Record<N, M> {
    pub(crate) node: Arc<Node<N>>,
    pub(crate) note: M,
    pub(crate) generation: u64,
    pub(crate) used: u64,
    pub(crate) pins: usize,
    pub(crate) exclusive: bool,
    /// Where the last pin was made.
    pub(crate) at: &'static Location<'static>,
}

/// A node that is owned exclusively, before it has a guard.
pub(crate) struct Grant<N> {
    pub(crate) node: Arc<Node<N>>,
    pub(crate) generation: u64,
}

/// Why a node cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No node has this key.
    Absent,
    /// The node is pinned, or somebody owns it exclusively.
    Busy,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Absent => ENOENT,
            Refused::Busy => EBUSY,
        }
    }
}

/// The nodes of a pool.
///
/// # Invariants
///
/// `order` has one entry for each of `nodes`, under its `used`, and `len` is how many there are.
pub(crate) struct Table<K, N, M> {
    pub(crate) nodes: RBTree<K, Record<N, M>>,
    pub(crate) order: RBTree<u64, K>,
    pub(crate) len: usize,
    clock: u64,
    generations: u64,
}

impl<K: Key, N, M: Note> Table<K, N, M> {
    pub(crate) fn new() -> Self {
        // INVARIANT: There are no nodes.
        Self {
            nodes: RBTree::new(),
            order: RBTree::new(),
            len: 0,
            clock: 0,
            generations: 0,
        }
    }

    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// Makes the node the youngest one.
    pub(crate) fn touch(&mut self, key: &K) {
        let now = self.tick();
        let Some(record) = self.nodes.get_mut(key) else {
            return;
        };
        let used = core::mem::replace(&mut record.used, now);
        if let Some(entry) = self.order.remove_node(&used) {
            self.order
                .insert(entry.into_reservation().into_node(now, *key));
        }
    }

    /// Adds a node whose key is not there, as the youngest; returns its generation.
    pub(crate) fn add(
        &mut self,
        key: K,
        node: RBTreeNode<K, Record<N, M>>,
        order: RBTreeNode<u64, K>,
    ) -> u64 {
        let now = self.tick();
        self.generations += 1;
        // INVARIANT: One entry each.
        self.nodes.insert(node);
        self.order
            .insert(order.into_reservation().into_node(now, key));
        self.len += 1;
        if let Some(record) = self.nodes.get_mut(&key) {
            record.used = now;
            record.generation = self.generations;
        }
        self.generations
    }

    /// Takes a node out; what it returns is to be dropped without the lock.
    pub(crate) fn take(&mut self, key: &K) -> Option<Taken<K, N, M>> {
        let used = self.nodes.get(key)?.used;
        // INVARIANT: One entry each.
        let node = self.nodes.remove_node(key)?;
        let order = self.order.remove_node(&used)?;
        self.len -= 1;
        Some((node, order))
    }

    /// Pins a node that nobody owns exclusively.
    pub(crate) fn pin(
        &mut self,
        key: &K,
        at: &'static Location<'static>,
    ) -> Result<Grant<N>, Refused> {
        let record = self.nodes.get_mut(key).ok_or(Refused::Absent)?;
        if record.exclusive {
            return Err(Refused::Busy);
        }
        record.pins += 1;
        record.at = at;
        let grant = record.grant();
        self.touch(key);
        Ok(grant)
    }

    /// Returns whether there is such a node, and somebody has it.
    pub(crate) fn is_busy(&self, key: &K) -> bool {
        let record = self.nodes.get(key);
        record.is_some_and(|record| record.exclusive || record.pins > 0)
    }

    /// Takes a node over that nobody else has.
    pub(crate) fn own(&mut self, key: &K) -> Result<Grant<N>, Refused> {
        let record = self.nodes.get_mut(key).ok_or(Refused::Absent)?;
        if record.exclusive || record.pins > 0 {
            return Err(Refused::Busy);
        }
        record.exclusive = true;
        Ok(record.grant())
    }

    /// Takes the oldest node over that nobody has and `wanted` accepts.
    pub(crate) fn own_oldest(
        &mut self,
        mut wanted: impl FnMut(Candidate<'_, K, M>) -> bool,
    ) -> Option<(K, Grant<N>)> {
        for key in self.order.values() {
            let Some(record) = self.nodes.get_mut(key) else {
                continue;
            };
            if !record.exclusive && record.pins == 0 && wanted(record.candidate(key)) {
                record.exclusive = true;
                return Some((*key, record.grant()));
            }
        }
        None
    }

    /// Counts what was dropped while the lock was held by the same task.
    ///
    /// Calls `ends` for each: whether it was an exclusive owner.
    pub(crate) fn settle(&mut self, mut ends: impl FnMut(bool)) {
        for record in self.nodes.values_mut() {
            let unpinned = record.node.unpinned.xchg(0, Relaxed);
            record.pins -= unpinned;
            (0..unpinned).for_each(|_| ends(false));
            if record.node.returned.xchg(0, Relaxed) != 0 {
                record.exclusive = false;
                ends(true);
            }
        }
    }
}

/// A node that was taken out, with both of its places.
pub(crate) type Taken<K, N, M> = (RBTreeNode<K, Record<N, M>>, RBTreeNode<u64, K>);

impl<N, M> Record<N, M> {
    pub(crate) fn grant(&self) -> Grant<N> {
        Grant {
            node: self.node.clone(),
            generation: self.generation,
        }
    }

    pub(crate) fn candidate<'t, K>(&'t mut self, key: &'t K) -> Candidate<'t, K, M> {
        Candidate {
            key,
            generation: self.generation,
            pins: self.pins,
            note: &mut self.note,
        }
    }
}

/// A node as a selection sees it, under the pool's lock.
pub struct Candidate<'t, K, M> {
    /// What the node is.
    pub key: &'t K,
    /// Which of the nodes that had this key it is.
    pub generation: u64,
    /// How many pins it has.
    pub pins: usize,
    /// What the user of the pool has noted about it.
    pub note: &'t mut M,
}
