// SPDX-License-Identifier: GPL-2.0

//! What is under a pool's lock: the nodes by key, and the keys by age.

use super::{
    count::Ticket,
    key::{
        Key,
        Note, //
    },
};
use kernel::{
    alloc::Flags,
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNode, //
    },
    sync::{
        Arc,
        Mutex, //
    },
};

/// The part of a node that its users keep: its payload, under its own lock.
#[pin_data]
pub(super) struct Node<N> {
    #[pin]
    pub(super) payload: Mutex<N>,
}

/// The part of a node that the pool's lock protects.
pub(super) struct Record<K, N, M> {
    grant: Grant<K, N>,
    pub(super) note: M,
    used: u64,
}

impl<K: Key, N, M: Note> Record<K, N, M> {
    /// Returns what identifies the node.
    pub(super) fn ticket(&self) -> Ticket {
        self.grant.ticket
    }

    /// Returns the node, for somebody who has been counted.
    pub(super) fn grant(&self) -> Grant<K, N> {
        self.grant.clone()
    }

    /// Returns what a selection sees of a node that has so many pins.
    pub(super) fn candidate(&mut self, pins: usize) -> Candidate<'_, K, M> {
        Candidate {
            key: &self.grant.key,
            generation: self.grant.ticket.generation(),
            pins,
            note: &mut self.note,
        }
    }
}

/// A node as a selection sees it, under the pool's lock.
///
/// It is made of references: dropping it, or `mem::forget`, does nothing.
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

/// A node: what its users keep of it.
pub(super) struct Grant<K, N> {
    pub(super) node: Arc<Node<N>>,
    pub(super) key: K,
    /// The number of the key, as it was when the node was made.
    pub(super) number: u128,
    pub(super) ticket: Ticket,
}

impl<K: Key, N> Clone for Grant<K, N> {
    fn clone(&self) -> Self {
        Self {
            node: self.node.clone(),
            ..*self
        }
    }
}

/// A node that is not in the table, with both of its places.
///
/// To be dropped without the pool's lock: it may be the last one to have the payload.
pub(super) struct Outside<K, N, M> {
    record: RBTreeNode<u128, Record<K, N, M>>,
    order: RBTreeNode<u64, u128>,
    number: u128,
}

impl<K: Key, N, M: Note> Outside<K, N, M> {
    /// Gets the memory for the places of a node.
    pub(super) fn new(grant: Grant<K, N>, note: M, flags: Flags) -> Result<Self> {
        let number = grant.number;
        let record = Record {
            grant,
            note,
            used: 0,
        };
        Ok(Self {
            record: RBTreeNode::new(number, record, flags)?,
            order: RBTreeNode::new(0, number, flags)?,
            number,
        })
    }
}

/// The nodes of a pool.
///
/// # Invariants
///
/// `order` has one entry for each of `nodes`, under its `used`.
pub(super) struct Table<K, N, M> {
    pub(super) nodes: RBTree<u128, Record<K, N, M>>,
    pub(super) order: RBTree<u64, u128>,
    clock: u64,
}

// Nothing in it is pinned: not even a key or a note that asks for it, since both are `Copy`.
impl<K, N, M> Unpin for Table<K, N, M> {}

impl<K: Key, N, M: Note> Table<K, N, M> {
    pub(super) fn new() -> Self {
        // INVARIANT: There are no nodes.
        Self {
            nodes: RBTree::new(),
            order: RBTree::new(),
            clock: 0,
        }
    }

    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// Makes the node the youngest one.
    pub(super) fn touch(&mut self, number: u128) {
        let now = self.tick();
        let Some(record) = self.nodes.get_mut(&number) else {
            return;
        };
        let used = core::mem::replace(&mut record.used, now);
        if let Some(entry) = self.order.remove_node(&used) {
            self.order
                .insert(entry.into_reservation().into_node(now, number));
        }
    }

    /// Adds a node as the youngest.
    ///
    /// # Errors
    ///
    /// Returns the node if there is one with its key.
    pub(super) fn add(&mut self, node: Outside<K, N, M>) -> Result<(), Outside<K, N, M>> {
        let number = node.number;
        if self.nodes.get(&number).is_some() {
            return Err(node);
        }
        let now = self.tick();
        // INVARIANT: One entry each, under the same `used`.
        self.nodes.insert(node.record);
        self.order
            .insert(node.order.into_reservation().into_node(now, number));
        if let Some(record) = self.nodes.get_mut(&number) {
            record.used = now;
        }
        Ok(())
    }

    /// Puts a node back that was taken out under the same lock: as old as it was.
    ///
    /// Returns it if its place is not free.
    pub(super) fn put_back(&mut self, node: Outside<K, N, M>) -> Option<Outside<K, N, M>> {
        let number = node.number;
        if self.nodes.get(&number).is_some() {
            return Some(node);
        }
        // INVARIANT: One entry each; the order is still that of the node.
        self.nodes.insert(node.record);
        self.order.insert(node.order);
        None
    }

    /// Takes a node out.
    pub(super) fn take(&mut self, number: u128, ticket: Ticket) -> Option<Outside<K, N, M>> {
        let record = self.nodes.get(&number)?;
        if record.ticket() != ticket {
            return None;
        }
        // INVARIANT: One entry each.
        let order = self.order.remove_node(&record.used)?;
        let record = self.nodes.remove_node(&number)?;
        Some(Outside {
            record,
            order,
            number,
        })
    }
}
