// SPDX-License-Identifier: GPL-2.0

//! What is under a pool's lock: the nodes by key, and by age.

use super::{
    key::{
        Key,
        Note, //
    },
    slots::Ticket, //
};
use core::ptr;
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

/// Another record, or null. It is followed under the pool's lock only.
struct Other<K, N, M>(*mut Record<K, N, M>);

// SAFETY: Where the pointer is, what it points to is as well: under the pool's lock.
unsafe impl<K: Send, N: Send, M: Send> Send for Other<K, N, M> {}

/// The part of a node that the pool's lock protects.
pub(super) struct Record<K, N, M> {
    grant: Grant<K, N>,
    pub(super) note: M,
    /// Which was used last before this one, and which next after it.
    older: Other<K, N, M>,
    younger: Other<K, N, M>,
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

/// A node that is not in the table, with its place.
///
/// To be dropped without the pool's lock: it may be the last one to have the payload.
pub(super) struct Outside<K, N, M> {
    record: RBTreeNode<u128, Record<K, N, M>>,
    number: u128,
    /// Behind which one it was.
    older: Other<K, N, M>,
}

impl<K: Key, N, M: Note> Outside<K, N, M> {
    /// Gets the memory for the place of a node.
    pub(super) fn new(grant: Grant<K, N>, note: M, flags: Flags) -> Result<Self> {
        let number = grant.number;
        let record = Record {
            grant,
            note,
            older: Other(ptr::null_mut()),
            younger: Other(ptr::null_mut()),
        };
        Ok(Self {
            record: RBTreeNode::new(number, record, flags)?,
            number,
            older: Other(ptr::null_mut()),
        })
    }
}

/// The nodes of a pool.
///
/// # Invariants
///
/// The records of `nodes` are a list by `older` and `younger`, in the order in which they were used, from `oldest`
/// to `youngest`. Each stays at its address while it is in `nodes`: the tree links allocations, one for each.
pub(super) struct Table<K, N, M> {
    nodes: RBTree<u128, Record<K, N, M>>,
    oldest: Other<K, N, M>,
    youngest: Other<K, N, M>,
}

// Nothing in it is pinned: not even a key or a note that asks for it, since both are `Copy`.
impl<K, N, M> Unpin for Table<K, N, M> {}

impl<K: Key, N, M: Note> Table<K, N, M> {
    pub(super) fn new() -> Self {
        // INVARIANT: There are no nodes.
        Self {
            nodes: RBTree::new(),
            oldest: Other(ptr::null_mut()),
            youngest: Other(ptr::null_mut()),
        }
    }

    /// Returns a record.
    pub(super) fn get(&self, number: u128) -> Option<&Record<K, N, M>> {
        self.nodes.get(&number)
    }

    /// Returns a record, to be changed.
    pub(super) fn get_mut(&mut self, number: u128) -> Option<&mut Record<K, N, M>> {
        self.nodes.get_mut(&number)
    }

    /// Puts a record into the list, behind `older`; as the oldest one if that is null.
    ///
    /// # Safety
    ///
    /// `record` must be in `nodes` and not on the list, `older` null or on it.
    unsafe fn link(&mut self, record: *mut Record<K, N, M>, older: *mut Record<K, N, M>) {
        // SAFETY: By the safety requirements and the type invariants.
        unsafe {
            let place = older
                .as_mut()
                .map_or(&mut self.oldest, |older| &mut older.younger);
            let younger = core::mem::replace(&mut place.0, record);
            match younger.as_mut() {
                Some(younger) => younger.older.0 = record,
                None => self.youngest.0 = record,
            }
            (*record).older.0 = older;
            (*record).younger.0 = younger;
        }
    }

    /// Takes a record off the list. It says still behind which one it was.
    ///
    /// # Safety
    ///
    /// `record` must be on the list.
    unsafe fn unlink(&mut self, record: *mut Record<K, N, M>) {
        // SAFETY: By the safety requirements and the type invariants.
        unsafe {
            let (older, younger) = ((*record).older.0, (*record).younger.0);
            match older.as_mut() {
                Some(older) => older.younger.0 = younger,
                None => self.oldest.0 = younger,
            }
            match younger.as_mut() {
                Some(younger) => younger.older.0 = older,
                None => self.youngest.0 = older,
            }
        }
    }

    /// Makes the node that `counted` has pinned the youngest one, and returns it.
    ///
    /// # Errors
    ///
    /// That of `counted`, or `absent` if there is none: nothing has changed then.
    pub(super) fn use_by<E>(
        &mut self,
        number: u128,
        absent: E,
        counted: impl FnOnce(Ticket) -> Result<(), E>,
    ) -> Result<Grant<K, N>, E> {
        let record: *mut _ = self.nodes.get_mut(&number).ok_or(absent)?;
        // SAFETY: It is in `nodes`.
        counted(unsafe { (*record).ticket() })?;
        // SAFETY: As above.
        unsafe {
            self.make_youngest(record);
            Ok((*record).grant())
        }
    }

    /// # Safety
    ///
    /// `record` must be in `nodes`.
    unsafe fn make_youngest(&mut self, record: *mut Record<K, N, M>) {
        // SAFETY: What is in `nodes` is on the list, and not any more once it was taken off. The youngest one is
        // on it.
        unsafe {
            self.unlink(record);
            self.link(record, self.youngest.0);
        }
    }

    /// Calls `f` for each node, the oldest one first, until it returns something.
    pub(super) fn oldest_first<R>(
        &mut self,
        mut f: impl FnMut(&mut Record<K, N, M>) -> Option<R>,
    ) -> Option<R> {
        let mut next = self.oldest.0;
        // SAFETY: What is on the list is in `nodes`, and the table is borrowed: there is no other reference.
        while let Some(record) = unsafe { next.as_mut() } {
            next = record.younger.0;
            if let Some(result) = f(record) {
                return Some(result);
            }
        }
        None
    }

    /// Adds a node as the youngest.
    ///
    /// # Errors
    ///
    /// Returns the node if there is one with its key.
    pub(super) fn add(&mut self, node: Outside<K, N, M>) -> Result<(), Outside<K, N, M>> {
        let youngest = self.youngest.0;
        // SAFETY: The youngest one is on the list, if there is one.
        match unsafe { self.put(node, youngest) } {
            Some(node) => Err(node),
            None => Ok(()),
        }
    }

    /// Puts a node back that was taken out under the same lock: as old as it was.
    ///
    /// Returns it if its place is not free.
    ///
    /// # Safety
    ///
    /// No node must have been taken out since.
    pub(super) unsafe fn put_back(&mut self, node: Outside<K, N, M>) -> Option<Outside<K, N, M>> {
        let older = node.older.0;
        // SAFETY: It was on the list then, and is so by the safety requirements.
        unsafe { self.put(node, older) }
    }

    /// Puts a node into the table, behind `older`. Returns it if there is one with its key.
    ///
    /// # Safety
    ///
    /// `older` must be null or on the list.
    unsafe fn put(
        &mut self,
        node: Outside<K, N, M>,
        older: *mut Record<K, N, M>,
    ) -> Option<Outside<K, N, M>> {
        let number = node.number;
        if self.nodes.get(&number).is_some() {
            return Some(node);
        }
        self.nodes.insert(node.record);
        if let Some(record) = self.nodes.get_mut(&number) {
            let record: *mut _ = record;
            // SAFETY: It was put into `nodes` right now, and is not on the list. By the safety requirements.
            unsafe { self.link(record, older) };
        }
        None
    }

    /// Takes a node out.
    pub(super) fn take(&mut self, number: u128, ticket: Ticket) -> Option<Outside<K, N, M>> {
        let record: *mut _ = self.nodes.get_mut(&number)?;
        // SAFETY: What is in `nodes` is on the list, until it is taken off here.
        let older = unsafe {
            if (*record).ticket() != ticket {
                return None;
            }
            self.unlink(record);
            Other((*record).older.0)
        };
        let record = self.nodes.remove_node(&number)?;
        Some(Outside {
            record,
            number,
            older,
        })
    }
}
