// SPDX-License-Identifier: GPL-2.0

//! A queue that is ordered by key, so that those who wait under one key are found without the others.
//!
//! The list of the queue is sorted: by key, and by age under one key. A search tree over the same entries
//! finds a place in it. The tree is a *treap*: by key from left to right, and a heap by a random rank from the
//! root to the leaves, which makes its depth a logarithm of the number of waiters, whatever keys they have.
//! It is part of the entries, on the stacks of those who wait: a wait and an update allocate nothing.
//!
//! This file has no kernel paths: see [`protocol`](super::protocol), which has the argument.

use super::{
    needs::{
        Platform,
        Waker, //
    },
    queue::{
        Entry,
        Extra,
        Head,
        Queue, //
    },
    serve::Span,
};
use core::{
    cell::Cell,
    ptr, //
};

/// Where an entry is in the tree of an [`Index`].
///
/// # Invariants
///
/// While the entry is on the list of the index that `index` points to, `left` and `right` are null or its children, whose `parent` it
/// is; `parent` is null for the root only. What is on the left comes before it on the list, what is on the right
/// behind it. No child has a greater `rank`.
pub(crate) struct Links<W, P: Platform> {
    index: Cell<*const Index<W, P>>,
    key: Cell<u64>,
    pub(super) rank: Cell<u32>,
    pub(super) parent: Cell<*const Node<W, P>>,
    pub(super) left: Cell<*const Node<W, P>>,
    pub(super) right: Cell<*const Node<W, P>>,
}

impl<W, P: Platform> Default for Links<W, P> {
    #[inline]
    fn default() -> Self {
        Self {
            index: Cell::new(ptr::null()),
            key: Cell::new(0),
            rank: Cell::new(0),
            parent: Cell::new(ptr::null()),
            left: Cell::new(ptr::null()),
            right: Cell::new(ptr::null()),
        }
    }
}

// SAFETY: What it touches is under the lock of the queue.
unsafe impl<W, P: Platform> Extra<W, P> for Links<W, P> {
    unsafe fn left(entry: *const Entry<W, P>) {
        // SAFETY: By the safety requirements.
        unsafe { Index::left(entry) };
    }
}

/// An entry with its links: how a [`Waiter`](super::waiter::Waiter) with [`Links`] begins.
#[repr(C)]
pub(crate) struct Node<W, P: Platform> {
    entry: Entry<W, P>,
    pub(super) links: Links<W, P>,
}

/// The waiters of one event, by key.
///
/// # Invariants
///
/// - `root` is null or the root of a tree that has the nodes of all entries on the list of `queue`.
/// - The list is sorted by key, and by age where keys are equal.
pub(crate) struct Index<W, P: Platform> {
    queue: Queue<W, P>,
    pub(super) root: Cell<*const Node<W, P>>,
    /// What the next rank is made from.
    seed: Cell<u32>,
}

/// Those who wait under one key.
struct Under<'i, W, P: Platform> {
    index: &'i Index<W, P>,
    key: u64,
}

impl<W, P: Platform> Span<W, P> for Under<'_, W, P> {
    fn first(&self, _: &Queue<W, P>, w: &W) -> *const Entry<W, P> {
        let entry = self.index.from(self.key);
        // SAFETY: What is found is on the list.
        if !entry.is_null() && unsafe { self.has(entry, w) } {
            entry
        } else {
            ptr::null()
        }
    }

    unsafe fn has(&self, entry: *const Entry<W, P>, _: &W) -> bool {
        // SAFETY: By the safety requirements.
        unsafe { Index::key(entry) == self.key }
    }
}

/// Those whose key is not greater than what is measured.
struct Reached<W>(fn(&W) -> u64);

impl<W, P: Platform> Span<W, P> for Reached<W> {
    fn first(&self, queue: &Queue<W, P>, w: &W) -> *const Entry<W, P> {
        let entry = queue.first();
        // SAFETY: The first one is on the list.
        if !entry.is_null() && unsafe { self.has(entry, w) } {
            entry
        } else {
            ptr::null()
        }
    }

    unsafe fn has(&self, entry: *const Entry<W, P>, w: &W) -> bool {
        // SAFETY: By the safety requirements.
        unsafe { Index::key(entry) <= (self.0)(w) }
    }
}

impl<W, P: Platform> Index<W, P> {
    /// Returns an empty index.
    pub(crate) const fn new() -> Self {
        // INVARIANT: No entry is linked.
        Self {
            queue: Queue::by_key(),
            root: Cell::new(ptr::null()),
            seed: Cell::new(0x9e37_79b9),
        }
    }

    /// Returns its queue, to be looked at or closed.
    #[inline]
    pub(crate) fn queue(&self) -> &Queue<W, P> {
        &self.queue
    }

    /// Puts `entry`, which belongs to `head`, behind those whose key is not greater.
    ///
    /// # Safety
    ///
    /// As for [`Queue::enqueue`], and `entry` must be that of a `Waiter` with [`Links`].
    pub(crate) unsafe fn enqueue(&self, entry: *const Entry<W, P>, head: &Head<P>, key: u64) {
        // CAST: By the safety requirements. Both are `repr(C)` and begin with an entry and its links.
        let node = entry.cast::<Node<W, P>>();
        let (mut parent, mut before) = (ptr::null::<Node<W, P>>(), ptr::null::<Node<W, P>>());
        let mut place = &self.root;
        // SAFETY: What is in the tree is live by the type invariants, and `node` by the safety requirements.
        unsafe {
            while let Some(at) = place.get().as_ref() {
                parent = at;
                place = if key < at.links.key.get() {
                    &at.links.left
                } else {
                    before = at;
                    &at.links.right
                };
            }
            let links = &(*node).links;
            links.index.set(self);
            links.key.set(key);
            links.rank.set(self.rank());
            links.parent.set(parent);
            links.left.set(ptr::null());
            links.right.set(ptr::null());
            place.set(node);
            self.queue.enqueue_behind(before.cast(), entry, head);
            // INVARIANT: It is a leaf, and goes up until no parent has a smaller rank.
            while let Some(parent) = links.parent.get().as_ref() {
                if parent.links.rank.get() >= links.rank.get() {
                    break;
                }
                self.rotate_up(node);
            }
        }
    }

    /// Takes an entry out of the tree.
    ///
    /// # Safety
    ///
    /// `entry` must be live, and have just left the list of the queue of an index.
    unsafe fn left(entry: *const Entry<W, P>) {
        // CAST: As in `enqueue()`.
        let node = entry.cast::<Node<W, P>>();
        // SAFETY: By the safety requirements and the type invariants.
        unsafe {
            let links = &(*node).links;
            let this = &*links.index.get();
            let only = loop {
                match (links.left.get().as_ref(), links.right.get().as_ref()) {
                    (Some(left), Some(right)) => {
                        // INVARIANT: Of the children, the one with the greater rank becomes the parent.
                        let up = left.links.rank.get() > right.links.rank.get();
                        this.rotate_up(if up { left } else { right });
                    }
                    (Some(left), None) => break ptr::from_ref(left),
                    (None, right) => break right.map_or(ptr::null(), ptr::from_ref),
                }
            };
            // INVARIANT: Its only child takes its place.
            this.place_of(node).set(only);
            if let Some(only) = only.as_ref() {
                only.links.parent.set(links.parent.get());
            }
        }
    }

    /// Returns what points to a node.
    ///
    /// # Safety
    ///
    /// `node` must be in the tree.
    unsafe fn place_of(&self, node: *const Node<W, P>) -> &Cell<*const Node<W, P>> {
        // SAFETY: By the safety requirements and the type invariants.
        unsafe {
            match (*node).links.parent.get().as_ref() {
                None => &self.root,
                Some(parent) if ptr::eq(parent.links.left.get(), node) => &parent.links.left,
                Some(parent) => &parent.links.right,
            }
        }
    }

    /// Makes a node the parent of its parent. The order from left to right stays.
    ///
    /// # Safety
    ///
    /// `node` must be in the tree, and not the root.
    unsafe fn rotate_up(&self, node: *const Node<W, P>) {
        // SAFETY: By the safety requirements and the type invariants.
        unsafe {
            let links = &(*node).links;
            let parent = links.parent.get();
            let above = &(*parent).links;
            self.place_of(parent).set(node);
            links.parent.set(above.parent.get());
            above.parent.set(node);
            // What is between them changes sides.
            let (between, from) = if ptr::eq(above.left.get(), node) {
                (links.right.replace(parent), &above.left)
            } else {
                (links.left.replace(parent), &above.right)
            };
            from.set(between);
            if let Some(between) = between.as_ref() {
                between.links.parent.set(parent);
            }
        }
    }

    /// Returns a random number: those of a xorshift generator.
    fn rank(&self) -> u32 {
        let mut x = self.seed.get();
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        self.seed.set(x);
        x
    }

    /// Returns the first entry whose key is not less; null if there is none.
    fn from(&self, key: u64) -> *const Entry<W, P> {
        let (mut next, mut found) = (self.root.get(), ptr::null::<Node<W, P>>());
        // SAFETY: What is in the tree is live by the type invariants.
        while let Some(at) = unsafe { next.as_ref() } {
            next = if at.links.key.get() < key {
                at.links.right.get()
            } else {
                found = at;
                at.links.left.get()
            };
        }
        found.cast()
    }

    /// Returns the key of an entry.
    ///
    /// # Safety
    ///
    /// `entry` must be on the list.
    unsafe fn key(entry: *const Entry<W, P>) -> u64 {
        // SAFETY: By the safety requirements. CAST: As in `enqueue()`.
        unsafe { (*entry.cast::<Node<W, P>>()).links.key.get() }
    }

    /// Tells of those who are served.
    fn told(&self) -> impl FnMut(P::Task) {
        let queue = ptr::from_ref(self).cast();
        move |task| P::served(queue, task)
    }

    /// Completes every waiter under `key` whose claim succeeds, oldest first; `w` is what they look at.
    ///
    /// Returns how many were served.
    pub(crate) fn consider(&self, key: u64, w: &mut W) -> usize {
        let now = Queue::<W, P>::now(self.told(), Waker::GoesOn);
        let span = Under { index: self, key };
        self.queue.consider_span(w, &span, now)
    }

    /// Completes every waiter whose key `measure` has reached, the smallest key first.
    ///
    /// Returns how many were served.
    pub(crate) fn consider_reached(&self, w: &mut W, measure: fn(&W) -> u64) -> usize {
        let now = Queue::<W, P>::now(self.told(), Waker::GoesOn);
        self.queue.consider_span(w, &Reached(measure), now)
    }

    /// Completes every waiter under `key` with [`CLOSED`](super::queue::CLOSED).
    pub(crate) fn close(&self, key: u64) {
        loop {
            let entry = self.from(key);
            // SAFETY: What is found is on the list.
            if entry.is_null() || unsafe { Self::key(entry) } != key {
                return;
            }
            // SAFETY: As above; it is not used afterwards.
            unsafe { self.queue.close_one(entry) };
        }
    }

    /// Returns the smallest key from `key` on that somebody waits under.
    pub(crate) fn next_key(&self, key: u64) -> Option<u64> {
        let entry = self.from(key);
        // SAFETY: What is found is on the list.
        (!entry.is_null()).then(|| unsafe { Self::key(entry) })
    }
}
