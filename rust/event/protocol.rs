// SPDX-License-Identifier: GPL-2.0

//! The event protocol: the list of waiters, the claim loop, the sleep.
//!
//! This file has no kernel paths. The module compiles it as it stands, and `testing/model/` includes
//! the same file by `#[path]` and lets loom explore its interleavings; what differs is the
//! [`Platform`].
//!
//! # Names
//!
//! - The *lock* is whatever protects the [`Queue`] and the watched data `W`. All functions that take
//!   `&mut Queue` are called under it.
//! - A *claim* is what a waiter does the moment its condition holds. It runs under the lock, on
//!   whichever task holds it, on the waiter's behalf.
//! - To *complete* a waiter is to take it off the list, publish how its wait ended, and wake it.
//!
//! # Why no wake-up is lost
//!
//! ```text
//!   waiter                                   updater
//!   1 lock
//!   2 claim fails, entry on the list
//!   3 publish the state "asleep"   /* A */
//!   4 unlock
//!                                            5 lock
//!                                            6 change W
//!                                            7 claim succeeds: result in the entry
//!                                            8 status = SERVED           /* B */
//!                                            9 wake the task             /* C */
//!   10 status == WAITING? sleep    /* D */
//! ```
//!
//! Steps 2 to 3 and 6 to 9 are under the lock, so an update sees either no waiter whose claim has
//! failed, or one that is on the list and whose state says "asleep". What remains is 8, 9 against 10,
//! without the lock: A is a full barrier between the store of the state and the load of the status
//! in 10; it pairs with the full barrier at the beginning of C, between the store of the status and
//! the load of the state. One of the two sees the other: either 10 reads SERVED, or 9 finds the
//! state "asleep" and makes the task run. B is a release and pairs with the acquire in D, so that
//! the waiter sees the result of 7.
//!
//! Steps 8 and 9 may also come after the updater's unlock. Until then the status is [`CHOSEN`]: the
//! entry is off the list, and its owner neither returns nor withdraws, whatever wakes it.
//!
//! # Why the waker does not touch a dead entry
//!
//! The entry lives on the waiter's stack and is gone as soon as the waiter has seen a status other
//! than WAITING. B is therefore the last access to the entry; the task is read from it before, and
//! [`Platform::Live`] keeps that task's memory valid across C.

pub(crate) use super::needs::{
    Platform,
    Sleeper, //
};

use core::{
    cell::{
        Cell,
        UnsafeCell, //
    },
    marker::PhantomPinned,
    ptr,
};

/// The waiter is on the list.
pub(crate) const WAITING: u32 = 0;
/// The claim succeeded; the result is in the entry, which is off the list.
pub(crate) const SERVED: u32 = 1;
/// The event was closed; the entry is off the list.
pub(crate) const CLOSED: u32 = 2;
/// The claim succeeded and the entry is off the list, but whoever served it has yet to say so, and
/// still uses the entry: its owner must neither return nor withdraw.
pub(crate) const CHOSEN: u32 = 3;

/// The part of a waiter that the [`Queue`] knows.
///
/// # Invariants
///
/// - While the status is [`WAITING`], from [`Queue::enqueue`] on and until it is withdrawn, the entry
///   is on the list of one queue, and `next` and `prev` are accessed under that queue's lock only.
/// - While the status is [`CHOSEN`], the entry is on no queue, and belongs to one [`Chosen`], which
///   alone accesses `next`, without a lock.
#[repr(C)]
pub(crate) struct Entry<W, P: Platform> {
    next: Cell<*const Entry<W, P>>,
    prev: Cell<*const Entry<W, P>>,
    status: P::Status,
    task: P::Task,
    /// Runs the claim; on success the result is in the waiter.
    serve: unsafe fn(*const Entry<W, P>, &mut W) -> bool,
    _pin: PhantomPinned,
}

/// A waiter: its entry, its claim, and room for what it claims.
///
/// It lives in the frame of the function that waits, which does not return before the entry is off
/// the list: nobody can `mem::forget` it.
#[repr(C)]
pub(crate) struct Waiter<W, A, R, P: Platform> {
    // First, so that a pointer to the entry is a pointer to the waiter.
    entry: Entry<W, P>,
    claim: fn(&mut W, &A) -> Option<R>,
    arg: A,
    result: UnsafeCell<Option<R>>,
}

impl<W, A, R, P: Platform> Waiter<W, A, R, P> {
    /// Makes a waiter for the calling task.
    pub(crate) fn new(claim: fn(&mut W, &A) -> Option<R>, arg: A) -> Self {
        Self {
            entry: Entry {
                next: Cell::new(ptr::null()),
                prev: Cell::new(ptr::null()),
                status: P::status(),
                task: P::current(),
                serve: Self::serve,
                _pin: PhantomPinned,
            },
            claim,
            arg,
            result: UnsafeCell::new(None),
        }
    }

    /// Tries the claim for the calling task itself, without the list.
    pub(crate) fn try_now(&self, w: &mut W) -> Option<R> {
        (self.claim)(w, &self.arg)
    }

    /// Returns a pointer to the entry that is valid for the whole waiter.
    pub(crate) fn entry(this: *const Self) -> *const Entry<W, P> {
        this.cast()
    }

    /// Runs the claim on behalf of the waiter.
    ///
    /// # Safety
    ///
    /// `entry` must be the entry of a live `Waiter<W, A, R, P>` with exactly these parameters, and
    /// it must be on the list of a queue whose lock is held.
    unsafe fn serve(entry: *const Entry<W, P>, w: &mut W) -> bool {
        let this = entry.cast::<Self>();
        // SAFETY: By the safety requirements `entry` points to the first field of a `Self`, which is
        // `repr(C)`. While the entry is on the list the owner of the waiter does not access `claim`,
        // `arg` and `result`.
        let (claim, arg, result) =
            unsafe { ((*this).claim, &(*this).arg, &mut *(*this).result.get()) };
        match claim(w, arg) {
            Some(value) => {
                // No destructor runs here: `result` was `None`.
                *result = Some(value);
                true
            }
            None => false,
        }
    }

    /// Returns what was claimed.
    ///
    /// # Safety
    ///
    /// The waiter must have been completed, and the caller must have seen that: it has read a status
    /// other than [`WAITING`] and [`CHOSEN`] with acquire ordering, or while it holds the lock.
    pub(crate) unsafe fn take(&self) -> Option<R> {
        // SAFETY: By the safety requirements nobody else accesses `result` any more.
        unsafe { (*self.result.get()).take() }
    }
}

/// The waiters of one event, oldest first.
///
/// # Invariants
///
/// `head` and `tail` are null, or point to the first and last of a list of live entries that are
/// linked by `next` and `prev`; `len` is their number.
pub(crate) struct Queue<W, P: Platform> {
    head: *const Entry<W, P>,
    tail: *const Entry<W, P>,
    len: usize,
    closed: bool,
}

impl<W, P: Platform> Queue<W, P> {
    /// Returns an empty queue.
    #[allow(clippy::new_without_default)]
    pub(crate) const fn new() -> Self {
        // INVARIANT: No entry is linked.
        Self {
            head: ptr::null(),
            tail: ptr::null(),
            len: 0,
            closed: false,
        }
    }

    /// Returns the number of waiters.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Returns whether nobody waits.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.head.is_null()
    }

    /// Returns whether the event was closed.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Puts `entry` at the end of the list.
    ///
    /// # Safety
    ///
    /// - `entry` must be live, on no list, and stay where it is until it is off the list again.
    /// - The queue must not be closed.
    pub(crate) unsafe fn enqueue(&mut self, entry: *const Entry<W, P>) {
        // SAFETY: `entry` is live by the safety requirements, the tail by the type invariants.
        unsafe {
            (*entry).next.set(ptr::null());
            (*entry).prev.set(self.tail);
            match self.tail.as_ref() {
                Some(tail) => tail.next.set(entry),
                None => self.head = entry,
            }
        }
        // INVARIANT: `entry` is linked behind the old tail.
        self.tail = entry;
        self.len += 1;
    }

    /// Takes `entry` off the list.
    ///
    /// # Safety
    ///
    /// `entry` must be on the list of this queue.
    unsafe fn unlink(&mut self, entry: *const Entry<W, P>) {
        // SAFETY: By the safety requirements and the type invariants, `entry` and its neighbours are
        // live.
        unsafe {
            let (prev, next) = ((*entry).prev.get(), (*entry).next.get());
            match prev.as_ref() {
                Some(prev) => prev.next.set(next),
                None => self.head = next,
            }
            match next.as_ref() {
                Some(next) => next.prev.set(prev),
                None => self.tail = prev,
            }
        }
        // INVARIANT: The neighbours of `entry` point to each other.
        self.len -= 1;
    }

    /// Takes `entry` off the list, publishes how its wait ended, and wakes its task.
    ///
    /// # Safety
    ///
    /// `entry` must be on the list of this queue. It must not be accessed after this call.
    unsafe fn complete(&mut self, entry: *const Entry<W, P>, status: u32) {
        // SAFETY: By the safety requirements `entry` is on the list.
        unsafe { self.unlink(entry) };
        let live = P::live();
        // SAFETY: The entry stays live until the next statement has been executed: its owner does
        // not return while the status is `WAITING`.
        let task = unsafe { (*entry).task };
        // SAFETY: As above; this is the last access to the entry.
        P::store_release(unsafe { &(*entry).status }, status); // B, pairs with D
        P::wake(task, &live); // C, pairs with A
    }

    /// Completes every waiter whose claim succeeds, oldest first.
    ///
    /// With `fifo`, the first waiter whose claim fails ends it: nobody overtakes. Without, all are
    /// tried, again and again until a whole pass has changed nothing: one claim may have made
    /// another one possible. Returns how many were served.
    pub(crate) fn consider(&mut self, w: &mut W, fifo: bool) -> usize {
        let queue = ptr::from_ref(self).cast();
        self.consider_and_tell(w, fifo, |task| P::served(queue, task))
    }

    /// As [`Queue::consider`], with `tell` in the place of [`Platform::served`].
    pub(crate) fn consider_and_tell(
        &mut self,
        w: &mut W,
        fifo: bool,
        mut tell: impl FnMut(P::Task),
    ) -> usize {
        self.consider_with(w, fifo, |queue, entry| {
            // SAFETY: `entry` is on the list, hence live.
            tell(unsafe { (*entry).task });
            // SAFETY: `entry` is on the list and not used afterwards.
            unsafe { queue.complete(entry, SERVED) }
        })
    }

    /// As [`Queue::consider`], but leaves it to `chosen` to complete who was served.
    #[inline(never)]
    pub(crate) fn choose(&mut self, w: &mut W, fifo: bool, chosen: &mut Chosen<P>) {
        self.consider_with(w, fifo, |queue, entry| {
            // SAFETY: `entry` is on the list, and live until it is completed: its owner does not
            // return while the status is `CHOSEN`. CAST: `Entry` is `repr(C)`, and `W` is only
            // behind pointers in it.
            unsafe {
                P::served(ptr::from_ref(queue).cast(), (*entry).task);
                queue.unlink(entry);
                P::store_release(&(*entry).status, CHOSEN);
                chosen.push(entry.cast());
            }
        });
    }

    fn consider_with(
        &mut self,
        w: &mut W,
        fifo: bool,
        mut done: impl FnMut(&mut Self, *const Entry<W, P>),
    ) -> usize {
        let mut served = 0;
        let mut next = self.head;
        // The first waiter that was tried, in vain, since the data last changed: when its turn comes
        // again, so have all others been.
        let mut settled: *const Entry<W, P> = ptr::null();
        loop {
            if next.is_null() {
                next = self.head;
                if next == settled {
                    return served;
                }
            }
            let entry = next;
            // SAFETY: `entry` is on the list, hence live, and was enqueued with a `serve` that fits
            // it. The successor is read before the entry can go away; it cannot go away itself,
            // since that takes the lock.
            let served_now = unsafe {
                next = (*entry).next.get();
                ((*entry).serve)(entry, w)
            };
            if served_now {
                done(self, entry);
                served += 1;
                settled = ptr::null();
            } else if fifo {
                return served;
            } else if settled.is_null() {
                settled = entry;
            }
            if next == settled && !next.is_null() {
                return served;
            }
        }
    }

    /// Changes the data, then completes every waiter whose claim succeeds.
    #[inline]
    pub(crate) fn update<R>(
        &mut self,
        w: &mut W,
        fifo: bool,
        change: impl FnOnce(&mut W) -> R,
    ) -> R {
        let result = change(w);
        if !self.is_empty() {
            self.consider(w, fifo);
        }
        result
    }

    /// Closes the queue: completes every waiter with [`CLOSED`].
    pub(crate) fn close(&mut self) {
        self.closed = true;
        while !self.head.is_null() {
            // SAFETY: `head` is on the list and not used afterwards.
            unsafe { self.complete(self.head, CLOSED) };
        }
    }

    /// Takes the entry of a waiter that gives up off the list.
    ///
    /// With `fifo`, those behind it had to wait for it, so they are considered.
    ///
    /// # Safety
    ///
    /// `entry` must be on the list of this queue: [`status`] is [`WAITING`] under the lock.
    pub(crate) unsafe fn withdraw(&mut self, entry: *const Entry<W, P>, w: &mut W, fifo: bool) {
        // SAFETY: By the safety requirements.
        unsafe { self.unlink(entry) };
        if fifo {
            self.consider(w, fifo);
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

    /// Tells them. Needs no lock: nobody else uses these entries.
    pub(crate) fn complete(&mut self) {
        let mut next = self.head;
        while !next.is_null() {
            let entry = next;
            let live = P::live();
            // SAFETY: By the type invariants the entry is live until the store, which is the last
            // access to it.
            let task = unsafe {
                next = (*entry).next.get();
                let task = (*entry).task;
                P::store_release(&(*entry).status, SERVED); // B, pairs with D
                task
            };
            P::wake(task, &live); // C, pairs with A
        }
    }
}

/// Returns the status of an entry.
///
/// Under the lock, [`WAITING`] says that the entry is on the list, and so that its queue is alive:
/// a queue that goes away closes its entries first. [`CHOSEN`] says that the waiter was served and
/// has to stay until it is told. [`SERVED`] and [`CLOSED`] say that it has been completed, and that
/// what it was given is its own, whatever made it look.
///
/// # Safety
///
/// `entry` must have been enqueued by the calling task.
pub(crate) unsafe fn status<W, P: Platform>(entry: *const Entry<W, P>) -> u32 {
    // SAFETY: The entry belongs to the caller, who has not returned.
    P::load_acquire(unsafe { &(*entry).status })
}

/// Sleeps until the entry is completed or the sleeper gives up.
///
/// The caller has published its state under the lock (A) and released the lock.
///
/// # Errors
///
/// Returns why the sleeper gave up; the entry may still be on the list and must be withdrawn.
///
/// # Safety
///
/// `entry` must have been enqueued by the calling task.
pub(crate) unsafe fn sleep_until_completed<W, P: Platform, S: Sleeper>(
    entry: *const Entry<W, P>,
    sleeper: &mut S,
) -> Result<u32, S::GaveUp> {
    let result = loop {
        // SAFETY: By the safety requirements.
        let status = unsafe { status(entry) }; // D, pairs with B
        if status != WAITING && status != CHOSEN {
            break Ok(status);
        }
        // Looked at after the status: what was granted is never lost to a signal or a timeout.
        if let Some(why) = sleeper.give_up() {
            break Err(why);
        }
        sleeper.sleep();
        sleeper.publish(); // A, pairs with C
    };
    sleeper.running();
    result
}
