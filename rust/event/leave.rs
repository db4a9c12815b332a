// SPDX-License-Identifier: GPL-2.0

//! How a waiter leaves its lists, and what becomes of who was behind it.
//!
//! With `Fifo`, whoever makes the same claim is behind the first that does. A waiter for either of two
//! events that is served at one of them leaves the list of the other, where nothing has changed, and where
//! nobody looks:
//!
//! ```text
//!   A: 2 of Q, or R            B: 1 of Q              who changes R
//!   1 Q has 1: asleep
//!                              2 behind A: asleep
//!                                                     3 serves A, which leaves Q
//! ```
//!
//! B can go on since step 3. Whoever changes R cannot see to that: others may look at the data of Q
//! meanwhile, and a claim changes it. So B is woken with the status [`LOOK`], takes the lock, and considers
//! the waiters of Q itself.
//!
//! This file has no kernel paths: see [`protocol`](super::protocol).

use super::{
    needs::{
        Platform,
        Waker, //
    },
    queue::{
        Entry,
        Head,
        Queue,
        LOOK, //
    },
};

/// Takes all entries of a waiter off their lists.
///
/// # Safety
///
/// `head` must be live, each of its entries on the list of its queue, and the lock of these held.
pub(crate) unsafe fn unlink_all<P: Platform>(head: *const Head<P>) {
    // SAFETY: By the safety requirements.
    unsafe { unlink_each(head, |_, _| {}) };
}

impl<P: Platform> Head<P> {
    /// As [`unlink_all`], for a waiter whose wait ends at the queue `at`, which considers its waiters itself.
    ///
    /// # Safety
    ///
    /// As for [`unlink_all`].
    pub(super) unsafe fn leave_others(head: *const Self, at: *const Queue<(), P>) {
        // SAFETY: By the safety requirements. The heirs are on their lists, hence live with their heads.
        unsafe {
            unlink_each(head, |queue, heir| {
                if queue != at && (*heir).head.get() != head {
                    look((*heir).head.get());
                }
            });
        }
    }

    /// Publishes how the wait has ended, and wakes the task.
    ///
    /// # Safety
    ///
    /// `head` must be live, and its entries off their lists. Neither must be accessed after this call.
    #[inline(always)]
    pub(super) unsafe fn completed(head: *const Self, status: u32, waker: Waker) {
        let tell = match waker {
            Waker::GoesOn => P::tell,
            Waker::Sleeps => P::tell_sync,
        };
        // SAFETY: The head stays live until it is told: its owner does not return while the status is
        // `WAITING` or `LOOK`. This is the last access to the waiter.
        unsafe { tell(&raw const (*head).status, status, (*head).task) }; // B, C, pair with D, A
    }
}

/// # Safety
///
/// As for [`unlink_all`].
#[inline]
unsafe fn unlink_each<P: Platform>(
    head: *const Head<P>,
    heir: impl Fn(*const Queue<(), P>, *const Entry<(), P>),
) {
    // SAFETY: By the safety requirements and the invariants of `Head`.
    unsafe {
        let mut next = (*head).entries.get();
        while !next.is_null() {
            let queue = (*next).queue.get();
            let now_first = (*queue).unlink(next);
            if !now_first.is_null() {
                heir(queue, now_first);
            }
            next = (*next).other.get();
        }
    }
}

/// Has a waiter look whether it can go on.
///
/// # Safety
///
/// The waiter must be on its lists, and the lock of these held.
#[cold]
#[inline(never)]
unsafe fn look<P: Platform>(head: *const Head<P>) {
    // SAFETY: By the safety requirements. The waiter does not go before it has taken the lock.
    unsafe { P::tell(&raw const (*head).status, LOOK, (*head).task) }; // B, C, pair with D, A
}
