// SPDX-License-Identifier: GPL-2.0

//! The list of waiters of an event.
//!
//! This file has no kernel paths: see [`protocol`](super::protocol), which has the argument.

use super::needs::{
    Platform,
    Waker, //
};
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

    /// Says how a wait has ended that nobody knew of: there are no entries.
    pub(crate) fn end(&self, status: u32) {
        P::store_release(&self.status, status);
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
    /// See [`Extra`].
    pub(super) left: unsafe fn(*const Entry<W, P>),
    pub(super) tell: unsafe fn(*const Entry<W, P>, u32),
}

/// What is behind an entry in its waiter, if it is more than an entry.
///
/// # Safety
///
/// Neither of the functions touches what another lock protects, nor sleeps.
pub(crate) unsafe trait Extra<W, P: Platform>: Default {
    /// The entry has left the list of a queue that is ordered by key.
    ///
    /// # Safety
    ///
    /// `entry` must be that of a live waiter with this, and the lock of the queue held.
    unsafe fn left(_entry: *const Entry<W, P>) {}

    /// The entry, which is served by a call, leaves its list with a status, and is called.
    ///
    /// # Safety
    ///
    /// As for [`Extra::left`], and the entry is on its list.
    unsafe fn tell(_entry: *const Entry<W, P>, _status: u32) {}
}

// SAFETY: They do nothing.
unsafe impl<W, P: Platform> Extra<W, P> for () {}

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

impl<W, P: Platform> Entry<W, P> {
    /// Makes an entry that is on no list.
    #[inline]
    pub(super) fn new(ops: *const Ops<W, P>) -> Self {
        Self {
            next: Cell::new(ptr::null()),
            prev: Cell::new(ptr::null()),
            queue: Cell::new(ptr::null()),
            head: Cell::new(ptr::null()),
            other: Cell::new(ptr::null()),
            first: Cell::new(true),
            ops: Cell::new(ops),
            _pin: PhantomPinned,
        }
    }
}

/// How a queue is ordered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Oldest first.
    Age,
    /// Oldest first, and of those who make the same claim nobody overtakes.
    Fifo,
    /// By key: it is the queue of an [`Index`](super::index::Index).
    Key,
}

/// The waiters of one event, oldest first.
///
/// All of it is accessed under the lock only, hence the cells.
///
/// # Invariants
///
/// - `head` and `tail` are null, or point to the first and last of a list of live entries that are
///   linked by `next` and `prev`, and whose `queue` is this one; `len` is their number.
/// - With [`Order::Fifo`], an entry is `first` exactly if no entry before it makes the same claim. Otherwise
///   all are, but for those that are served by a call: they have an [`Extra`] for it, and there are some only with
///   [`Order::Age`].
/// - With [`Order::Key`], this is the queue of an index, and the entries are those of its nodes.
#[repr(C)]
pub(crate) struct Queue<W, P: Platform> {
    head: Cell<*const Entry<W, P>>,
    tail: Cell<*const Entry<W, P>>,
    len: Cell<usize>,
    closed: Cell<bool>,
    order: Order,
}

impl<W, P: Platform> Queue<W, P> {
    /// Returns an empty queue. With `fifo`, of those who make the same claim nobody overtakes.
    pub(crate) const fn new(fifo: bool) -> Self {
        Self::ordered(if fifo { Order::Fifo } else { Order::Age })
    }

    /// Returns an empty queue, for an index and nobody else.
    pub(super) const fn by_key() -> Self {
        Self::ordered(Order::Key)
    }

    const fn ordered(order: Order) -> Self {
        // INVARIANT: No entry is linked.
        Self {
            head: Cell::new(ptr::null()),
            tail: Cell::new(ptr::null()),
            len: Cell::new(0),
            closed: Cell::new(false),
            order,
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
        matches!(self.order, Order::Fifo)
    }

    /// Returns the first entry; null if there is none.
    #[inline]
    pub(super) fn first(&self) -> *const Entry<W, P> {
        self.head.get()
    }

    /// Returns whether a newcomer with this claim may try it at once.
    #[inline]
    pub(crate) fn may_try(&self, class: fn() -> TypeId) -> bool {
        !self.is_fifo() || self.is_empty() || self.first_of(class).is_null()
    }

    /// Returns the first entry whose claim is of a class.
    #[cold]
    pub(super) fn first_of(&self, class: fn() -> TypeId) -> *const Entry<W, P> {
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
        // SAFETY: `entry` is live by the safety requirements, the tail by the type invariants.
        unsafe {
            (*entry).next.set(ptr::null());
            (*entry).prev.set(self.tail.get());
            self.join(entry, head);
            if self.is_fifo() {
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
        self.len.set(self.len.get().wrapping_add(1));
    }

    /// As [`Queue::enqueue`], behind `prev`; before all others if that is null.
    ///
    /// # Safety
    ///
    /// As for [`Queue::enqueue`], and `prev` must be null or on the list.
    pub(super) unsafe fn enqueue_behind(
        &self,
        prev: *const Entry<W, P>,
        entry: *const Entry<W, P>,
        head: &Head<P>,
    ) {
        // SAFETY: By the safety requirements and the type invariants.
        unsafe {
            let place = prev.as_ref().map_or(&self.head, |prev| &prev.next);
            let next = place.replace(entry);
            match next.as_ref() {
                Some(next) => next.prev.set(entry),
                None => self.tail.set(entry),
            }
            (*entry).next.set(next);
            (*entry).prev.set(prev);
            self.join(entry, head);
        }
        // INVARIANT: `entry` is linked between `prev` and what came behind that.
        self.len.set(self.len.get().wrapping_add(1));
    }

    /// Makes `entry` one of this queue, and of the waiter that `head` is of.
    ///
    /// # Safety
    ///
    /// `entry` must be live.
    #[inline]
    unsafe fn join(&self, entry: *const Entry<W, P>, head: &Head<P>) {
        // SAFETY: By the safety requirements. CAST: `Entry` is `repr(C)`, and `W` is only behind pointers in
        // it.
        unsafe {
            (*entry).queue.set(self);
            (*entry).head.set(head);
            (*entry).other.set(head.entries.replace(entry.cast()));
        }
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
            self.len.set(self.len.get().wrapping_sub(1));
            if !matches!(self.order, Order::Age) {
                return self.left(entry);
            }
        }
        ptr::null()
    }

    /// Puts in order what `entry`, which has left, was part of. Returns what [`Queue::unlink`] does.
    ///
    /// # Safety
    ///
    /// `entry` must be live, and was on the list of this queue.
    #[cold]
    #[inline(never)]
    unsafe fn left(&self, entry: *const Entry<W, P>) -> *const Entry<W, P> {
        // SAFETY: By the safety requirements and the type invariants.
        unsafe {
            match self.order {
                Order::Fifo if (*entry).first.get() => return self.inherit(entry),
                Order::Age | Order::Fifo => {}
                // Under a key nobody is behind anybody else.
                Order::Key => ((*(*entry).ops.get()).left)(entry),
            }
        }
        ptr::null()
    }

    /// Makes another one the first with the claim of `entry`, which has left, and returns it.
    ///
    /// # Safety
    ///
    /// `entry` must be live.
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
    #[inline(always)]
    pub(super) unsafe fn complete(&self, entry: *const Entry<W, P>, status: u32, waker: Waker) {
        // SAFETY: By the safety requirements `entry` is on the list, hence live with its head.
        let head = unsafe { (*entry).head.get() };
        // SAFETY: As above; all queues of a waiter have the same lock.
        unsafe { Head::leave_others(head, ptr::from_ref(self).cast()) };
        // SAFETY: The entries are off their lists.
        unsafe { Head::completed(head, status, waker) };
    }

    /// As [`Queue::complete`], for the only waiter of this queue, if it waits for nothing else.
    ///
    /// # Safety
    ///
    /// As for [`Queue::complete`]; no other entry is on the list, and nobody is behind anybody on it.
    #[inline(always)]
    pub(super) unsafe fn complete_only(
        &self,
        entry: *const Entry<W, P>,
        status: u32,
        waker: Waker,
    ) {
        // INVARIANT: `entry` was the only one.
        self.head.set(ptr::null());
        self.tail.set(ptr::null());
        self.len.set(0);
        // SAFETY: By the safety requirements the entry is live with its head, and was on this list only.
        unsafe { Head::completed((*entry).head.get(), status, waker) };
    }

    /// Returns the only entry, if nobody else is on the list, and its waiter on no other one.
    #[inline]
    pub(super) fn only(&self) -> Option<&Entry<W, P>> {
        // SAFETY: What is on the list is live by the type invariants.
        let entry = unsafe { self.head.get().as_ref() }?;
        let alone = entry.next.get().is_null()
            && !matches!(self.order, Order::Key)
            && entry.first.get()
            && entry.other.get().is_null()
            // SAFETY: As above.
            && ptr::eq(unsafe { (*entry.head.get()).entries.get() }, ptr::from_ref(entry).cast());
        alone.then_some(entry)
    }

    /// Returns whether an entry is served by a call.
    ///
    /// # Safety
    ///
    /// `entry` must be on the list of this queue.
    #[inline]
    pub(super) unsafe fn is_called(&self, entry: *const Entry<W, P>) -> bool {
        // SAFETY: By the safety requirements.
        matches!(self.order, Order::Age) && !unsafe { (*entry).first.get() }
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
            let entry = self.head.get();
            // SAFETY: `entry` is on the list and not used afterwards.
            unsafe {
                if self.is_called(entry) {
                    ((*(*entry).ops.get()).tell)(entry, status);
                } else {
                    self.complete(entry, status, Waker::GoesOn);
                }
            }
        }
    }

    /// Completes one waiter with [`CLOSED`].
    ///
    /// # Safety
    ///
    /// As for [`Queue::complete`].
    pub(super) unsafe fn close_one(&self, entry: *const Entry<W, P>) {
        // SAFETY: By the safety requirements.
        unsafe { self.complete(entry, CLOSED, Waker::GoesOn) };
    }
}
