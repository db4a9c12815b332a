// SPDX-License-Identifier: GPL-2.0

//! The list of waiters of an event, and the loop that serves them.
//!
//! This file has no kernel paths: see [`protocol`](super::protocol), which has the argument.

use super::needs::Platform;
use core::{
    any::TypeId,
    cell::Cell,
    marker::PhantomPinned,
    ptr, //
};

/// The waiter is on the list of every event that it waits for.
pub(crate) const WAITING: u32 = 0;
/// A claim succeeded; the result is in its entry, and all entries are off their lists.
pub(crate) const SERVED: u32 = 1;
/// An event was closed; all entries are off their lists.
pub(crate) const CLOSED: u32 = 2;
/// A claim succeeded and all entries are off their lists, but whoever served it has yet to say so, and
/// still uses them: their owner must neither return nor withdraw.
pub(crate) const CHOSEN: u32 = 3;
/// The present waits for an event were ended; all entries are off their lists.
pub(crate) const ENDED: u32 = 4;
/// As [`WAITING`], and nobody who makes the same claim is before the waiter any more: it has to look.
pub(crate) const LOOK: u32 = 5;

/// What the entries of one waiter have in common.
///
/// Dropping it does nothing: whoever waits has withdrawn its entries. `mem::forget` cannot reach it.
///
/// # Invariants
///
/// - `entries` is a list by [`Entry::other`] of live entries of the same task.
/// - While the status is [`WAITING`] or [`LOOK`], from [`Queue::enqueue`] on and until they are withdrawn, each of
///   them is on the list of its queue. While it is [`CHOSEN`], the first that was served belongs to one
///   [`Chosen`]. Otherwise none of them is on any list.
pub struct Head<P: Platform> {
    pub(super) status: P::Status,
    pub(super) task: P::Task,
    pub(super) entries: Cell<*const Entry<(), P>>,
    _pin: PhantomPinned,
}

impl<P: Platform> Head<P> {
    /// Makes the head of a waiter that is the calling task.
    #[inline]
    pub(crate) fn new() -> Self {
        // INVARIANT: There are no entries.
        Self {
            status: P::status(),
            task: P::current(),
            entries: Cell::new(ptr::null()),
            _pin: PhantomPinned,
        }
    }

    /// Returns the status.
    ///
    /// Under the lock, [`WAITING`] and [`LOOK`] say that the entries are on their lists. [`CHOSEN`] says that the
    /// waiter was served and has to stay until it is told. [`SERVED`], [`CLOSED`] and [`ENDED`] say that it
    /// has been completed, and that what it was given is its own, whatever made it look.
    #[inline]
    pub(crate) fn status(&self) -> u32 {
        P::load_acquire(&self.status)
    }

    /// The waiter has taken the lock to [`LOOK`], and waits on.
    #[inline]
    pub(crate) fn wait_on(&self) {
        P::store_release(&self.status, WAITING);
    }
}

/// What is known of the claim of an entry.
pub(crate) struct Ops<W, P: Platform> {
    /// Tries the claim; on success the result is in the waiter.
    pub(super) serve: unsafe fn(*const Entry<W, P>, &mut W) -> bool,
    /// Tries its condition.
    pub(super) holds: unsafe fn(*const Entry<W, P>, &W) -> bool,
    /// Tells claims apart.
    pub(super) class: fn() -> TypeId,
}

/// The part of a waiter that one [`Queue`] knows.
///
/// # Invariants
///
/// While the entry is on a list, `next`, `prev` and `first` are accessed under the lock of `queue` only.
/// While its head is [`CHOSEN`], the [`Chosen`] that it belongs to alone accesses `next`, without a lock.
#[repr(C)]
pub(crate) struct Entry<W, P: Platform> {
    pub(super) next: Cell<*const Entry<W, P>>,
    pub(super) prev: Cell<*const Entry<W, P>>,
    pub(super) queue: Cell<*const Queue<W, P>>,
    pub(super) head: Cell<*const Head<P>>,
    /// Another entry of the same waiter.
    pub(super) other: Cell<*const Entry<(), P>>,
    /// Whether nobody on the list before it makes the same claim, if that matters.
    pub(super) first: Cell<bool>,
    pub(super) ops: Cell<*const Ops<W, P>>,
    pub(super) _pin: PhantomPinned,
}

/// The waiters of one event, oldest first.
///
/// All of it is accessed under the lock only, hence the cells.
///
/// # Invariants
///
/// - `head` and `tail` are null, or point to the first and last of a list of live entries that are
///   linked by `next` and `prev`, and whose `queue` is this one; `len` is their number.
/// - If `fifo`, an entry is `first` exactly if no entry before it makes the same claim; otherwise all are.
#[repr(C)]
pub(crate) struct Queue<W, P: Platform> {
    head: Cell<*const Entry<W, P>>,
    tail: Cell<*const Entry<W, P>>,
    len: Cell<usize>,
    closed: Cell<bool>,
    fifo: bool,
}

impl<W, P: Platform> Queue<W, P> {
    /// Returns an empty queue. With `fifo`, of those who make the same claim nobody overtakes.
    pub(crate) const fn new(fifo: bool) -> Self {
        // INVARIANT: No entry is linked.
        Self {
            head: Cell::new(ptr::null()),
            tail: Cell::new(ptr::null()),
            len: Cell::new(0),
            closed: Cell::new(false),
            fifo,
        }
    }

    /// Returns the number of waiters.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len.get()
    }

    /// Returns whether nobody waits.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.head.get().is_null()
    }

    /// Returns whether the event was closed.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Returns whether nobody overtakes those who make the same claim.
    #[inline]
    pub(crate) fn is_fifo(&self) -> bool {
        self.fifo
    }

    /// Returns whether a newcomer with this claim may try it at once.
    #[inline]
    pub(crate) fn may_try(&self, class: fn() -> TypeId) -> bool {
        !self.fifo || self.is_empty() || self.first_of(class).is_null()
    }

    /// Returns the first entry whose claim is of a class.
    #[cold]
    fn first_of(&self, class: fn() -> TypeId) -> *const Entry<W, P> {
        let class = class();
        let mut next = self.head.get();
        // SAFETY: What is on the list is live by the type invariants, and so is what it refers to.
        while let Some(entry) = unsafe { next.as_ref() } {
            // SAFETY: As above.
            if (unsafe { &*entry.ops.get() }.class)() == class {
                return next;
            }
            next = entry.next.get();
        }
        ptr::null()
    }

    /// Puts `entry`, which belongs to `head`, at the end of the list.
    ///
    /// # Safety
    ///
    /// - `entry` and `head` must be live, `entry` on no list, and both stay where they are until it is
    ///   off the list again.
    /// - The queue must not be closed.
    pub(crate) unsafe fn enqueue(&self, entry: *const Entry<W, P>, head: &Head<P>) {
        // SAFETY: `entry` is live by the safety requirements, the tail by the type invariants. CAST:
        // `Entry` is `repr(C)`, and `W` is only behind pointers in it.
        unsafe {
            (*entry).next.set(ptr::null());
            (*entry).prev.set(self.tail.get());
            (*entry).queue.set(self);
            (*entry).head.set(head);
            (*entry).other.set(head.entries.replace(entry.cast()));
            if self.fifo {
                let ops = &*(*entry).ops.get();
                (*entry).first.set(self.first_of(ops.class).is_null());
            }
            match self.tail.get().as_ref() {
                Some(tail) => tail.next.set(entry),
                None => self.head.set(entry),
            }
        }
        // INVARIANT: `entry` is linked behind the old tail.
        self.tail.set(entry);
        self.len.set(self.len.get() + 1);
    }

    /// Takes `entry` off the list, and returns the entry that is in its place now, if that matters.
    ///
    /// # Safety
    ///
    /// `entry` must be on the list of this queue.
    pub(super) unsafe fn unlink(&self, entry: *const Entry<W, P>) -> *const Entry<W, P> {
        // SAFETY: By the safety requirements and the type invariants, `entry` and its neighbours are
        // live.
        unsafe {
            let (prev, next) = ((*entry).prev.get(), (*entry).next.get());
            match prev.as_ref() {
                Some(prev) => prev.next.set(next),
                None => self.head.set(next),
            }
            match next.as_ref() {
                Some(next) => next.prev.set(prev),
                None => self.tail.set(prev),
            }
            // INVARIANT: The neighbours of `entry` point to each other.
            self.len.set(self.len.get() - 1);
            if self.fifo && (*entry).first.get() {
                return self.inherit(entry);
            }
        }
        ptr::null()
    }

    /// Makes another one the first with the claim of `entry`, which has left, and returns it.
    ///
    /// # Safety
    ///
    /// `entry` must be live.
    #[cold]
    #[inline(never)]
    unsafe fn inherit(&self, entry: *const Entry<W, P>) -> *const Entry<W, P> {
        // SAFETY: By the safety requirements and the type invariants.
        unsafe {
            let ops = &*(*entry).ops.get();
            let heir = self.first_of(ops.class);
            if let Some(heir) = heir.as_ref() {
                // INVARIANT: The next one with this claim has nobody before it any more.
                heir.first.set(true);
            }
            heir
        }
    }

    /// Takes the waiter off all its lists, publishes how its wait ended, and wakes its task.
    ///
    /// # Safety
    ///
    /// `entry` must be on the list of this queue. It must not be accessed after this call.
    unsafe fn complete(&self, entry: *const Entry<W, P>, status: u32) {
        // SAFETY: By the safety requirements `entry` is on the list, hence live with its head.
        let head = unsafe { (*entry).head.get() };
        // SAFETY: As above; all queues of a waiter have the same lock.
        unsafe { Head::leave_others(head, ptr::from_ref(self).cast()) };
        let live = P::live();
        // SAFETY: The head stays live until the next statement has been executed: its owner does not
        // return while the status is `WAITING` or `LOOK`.
        let task = unsafe { (*head).task };
        // SAFETY: As above; this is the last access to the waiter.
        P::store_release(unsafe { &(*head).status }, status); // B, pairs with D
        P::wake(task, &live); // C, pairs with A
    }

    /// Completes every waiter whose claim succeeds, oldest first.
    ///
    /// All that may be tried are tried, again and again until a whole pass has changed nothing: one
    /// claim may have made another one possible. Returns how many were served.
    pub(crate) fn consider(&self, w: &mut W) -> usize {
        let queue = ptr::from_ref(self).cast();
        self.consider_and_tell(w, |task| P::served(queue, task))
    }

    /// As [`Queue::consider`], and returns how many of them should have been served before: not those who
    /// have yet to [look](LOOK).
    pub(crate) fn rescue(&self, w: &mut W) -> usize {
        let mut lost = 0;
        self.consider_with(w, |queue, entry| {
            // SAFETY: `entry` is on the list, hence live with its head, and not used afterwards.
            unsafe {
                let head = &*(*entry).head.get();
                lost += usize::from(head.status() == WAITING);
                P::served(ptr::from_ref(queue).cast(), head.task);
                queue.complete(entry, SERVED);
            }
        });
        lost
    }

    /// As [`Queue::consider`], with `tell` in the place of [`Platform::served`].
    pub(crate) fn consider_and_tell(&self, w: &mut W, mut tell: impl FnMut(P::Task)) -> usize {
        self.consider_with(w, |queue, entry| {
            // SAFETY: `entry` is on the list, hence live with its head.
            tell(unsafe { (*(*entry).head.get()).task });
            // SAFETY: `entry` is on the list and not used afterwards.
            unsafe { queue.complete(entry, SERVED) }
        })
    }

    /// As [`Queue::consider`], but leaves it to `chosen` to complete who was served.
    #[inline(never)]
    pub(crate) fn choose(&self, w: &mut W, chosen: &mut Chosen<P>) {
        self.consider_with(w, |queue, entry| {
            // SAFETY: `entry` is on the list, and live until it is completed: its owner does not
            // return while the status is `CHOSEN`. CAST: `Entry` is `repr(C)`, and `W` is only
            // behind pointers in it.
            unsafe {
                let head = (*entry).head.get();
                P::served(ptr::from_ref(queue).cast(), (*head).task);
                Head::leave_others(head, ptr::from_ref(queue).cast());
                P::store_release(&(*head).status, CHOSEN);
                chosen.push(entry.cast());
            }
        });
    }

    fn consider_with(&self, w: &mut W, mut done: impl FnMut(&Self, *const Entry<W, P>)) -> usize {
        let mut served = 0;
        let mut next = self.head.get();
        // The first waiter that was tried, in vain, since the data last changed: when its turn comes
        // again, so have all others been.
        let mut settled: *const Entry<W, P> = ptr::null();
        loop {
            if next.is_null() {
                next = self.head.get();
                if next.is_null() {
                    return served;
                }
            }
            if next == settled {
                return served;
            }
            let entry = next;
            // SAFETY: `entry` is on the list, hence live, and its `ops` are those of its waiter. The
            // successor is read before the entry can go away; it cannot go away itself, since that
            // takes the lock.
            let served_now = unsafe {
                next = (*entry).next.get();
                (*entry).first.get() && ((*(*entry).ops.get()).serve)(entry, w)
            };
            if served_now {
                // SAFETY: As above. Another entry of this waiter goes away with it.
                unsafe {
                    while !next.is_null() && (*next).head.get() == (*entry).head.get() {
                        next = (*next).next.get();
                    }
                }
                done(self, entry);
                served += 1;
                settled = ptr::null();
            } else if settled.is_null() {
                settled = entry;
            }
        }
    }

    /// Calls `f` for each waiter whose condition holds and who is behind another one whose claim fails:
    /// with the task, and that of the one that it is behind.
    pub(crate) fn behind(&self, w: &W, mut f: impl FnMut(P::Task, P::Task)) {
        let mut next = self.head.get();
        // SAFETY: What is on the list is live by the type invariants, and so is what it refers to.
        while let Some(entry) = unsafe { next.as_ref() } {
            // SAFETY: As above.
            unsafe {
                let ops = &*entry.ops.get();
                if !entry.first.get() && (ops.holds)(entry, w) {
                    let ahead = &*self.first_of(ops.class);
                    f((*entry.head.get()).task, (*ahead.head.get()).task);
                }
            }
            next = entry.next.get();
        }
    }

    /// Changes the data, then completes every waiter whose claim succeeds.
    #[inline]
    pub(crate) fn update<R>(&self, w: &mut W, change: impl FnOnce(&mut W) -> R) -> R {
        let result = change(w);
        if !self.is_empty() {
            self.consider(w);
        }
        result
    }

    /// Closes the queue: completes every waiter with [`CLOSED`].
    pub(crate) fn close(&self) {
        self.closed.set(true);
        self.complete_all(CLOSED);
    }

    /// Completes every waiter with [`ENDED`]; later ones wait as before.
    ///
    /// Who is [`CHOSEN`] is on no list any more, and keeps what it was served.
    pub(crate) fn end_waits(&self) {
        self.complete_all(ENDED);
    }

    fn complete_all(&self, status: u32) {
        // Nobody comes in between: that takes the lock.
        while !self.is_empty() {
            // SAFETY: `head` is on the list and not used afterwards.
            unsafe { self.complete(self.head.get(), status) };
        }
    }
}

/// Waiters of any events that were served and have yet to be told.
///
/// # Invariants
///
/// A list by `next` of live entries whose status is [`CHOSEN`].
pub(crate) struct Chosen<P: Platform> {
    head: *const Entry<(), P>,
    tail: *const Entry<(), P>,
}

impl<P: Platform> Chosen<P> {
    #[inline]
    pub(crate) fn new() -> Self {
        // INVARIANT: No entry is on the list.
        Self {
            head: ptr::null(),
            tail: ptr::null(),
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.head.is_null()
    }

    /// # Safety
    ///
    /// `entry` must be live, on no list, and its status [`CHOSEN`].
    unsafe fn push(&mut self, entry: *const Entry<(), P>) {
        // SAFETY: By the safety requirements and the type invariants.
        unsafe {
            (*entry).next.set(ptr::null());
            match self.tail.as_ref() {
                Some(tail) => tail.next.set(entry),
                None => self.head = entry,
            }
        }
        self.tail = entry;
    }

    /// Tells them, and forgets them. Needs no lock: nobody else uses these entries.
    pub(crate) fn complete(&mut self) {
        let mut next = self.head;
        // INVARIANT: The list is empty from here on.
        *self = Self::new();
        while !next.is_null() {
            let entry = next;
            let live = P::live();
            // SAFETY: By the type invariants the entry is live, with its head, until the store, which is
            // the last access to them.
            let task = unsafe {
                next = (*entry).next.get();
                let head = (*entry).head.get();
                let task = (*head).task;
                P::store_release(&(*head).status, SERVED); // B, pairs with D
                task
            };
            P::wake(task, &live); // C, pairs with A
        }
    }
}
