// SPDX-License-Identifier: GPL-2.0

//! Waiters that are no tasks: a call tells them that they were served.
//!
//! This file has no kernel paths: see [`protocol`](super::protocol), which has the argument.
//!
//! # Why the entry is there when it is called
//!
//! ```text
//!   updater                                  owner
//!   1 lock
//!   2 claim succeeds: result in the entry
//!   3 off the list, status = SERVED
//!   4 call: makes a worker run
//!   5 unlock
//!                                            6 lock
//!                                            7 still waiting? no: withdraws nothing
//!                                            8 unlock
//!                                            9 waits for the worker, frees the entry
//! ```
//!
//! Unlike a task, which may go on as soon as it sees the status, the owner of such an entry frees it only after
//! it has held the lock. So 2 to 4 come before 6, or else 6 to 8 come before 1, and the updater does not find the
//! entry. The call comes once: an entry leaves its list by being served, by a close, or by 7, under the lock.

use super::{
    claim::Claim,
    leave::unlink_all,
    needs::Platform,
    queue::{
        Entry,
        Extra,
        Head,
        Queue,
        WAITING, //
    },
    waiter::Waiter,
};
use core::{
    cell::Cell,
    ptr, //
};

/// What is called when the waiter was served, or its event closed.
pub(crate) struct Tell {
    call: Cell<unsafe fn(*const ())>,
    with: Cell<*const ()>,
}

impl Default for Tell {
    fn default() -> Self {
        Self {
            call: Cell::new(|_| ()),
            with: Cell::new(ptr::null()),
        }
    }
}

/// An entry with what is called: how a [`Waiter`] with [`Tell`] begins.
#[repr(C)]
struct Called<W, P: Platform> {
    entry: Entry<W, P>,
    tell: Tell,
}

// SAFETY: What it touches is under the lock of the queue; what it calls is fit to be called there.
unsafe impl<W, P: Platform> Extra<W, P> for Tell {
    #[cold]
    unsafe fn tell(entry: *const Entry<W, P>, status: u32) {
        // SAFETY: By the safety requirements. The entry stays as long as the lock is held. CAST: Both are
        // `repr(C)` and begin with an entry and what is called.
        unsafe {
            let head = (*entry).head.get();
            unlink_all(head);
            P::store_release(&(*head).status, status);
            let tell = &(*entry.cast::<Called<W, P>>()).tell;
            (tell.call.get())(tell.with.get());
        }
    }
}

/// Puts a waiter at the end of the list of `queue`. `call(with)` tells when it was served, or the event closed.
///
/// # Safety
///
/// - The lock of the queue must be held, and the queue be neither closed nor ordered, by age but for that.
/// - `waiter` and `head` must be live and on no list, and stay where they are until their owner has held that lock
///   after they have left the list.
/// - `call` must be fit to be called with `with`, under the lock, until then.
pub(crate) unsafe fn await_call<W: 'static, C: Claim<W>, P: Platform>(
    queue: &Queue<W, P>,
    waiter: *const Waiter<W, C, P, Tell>,
    head: &Head<P>,
    call: unsafe fn(*const ()),
    with: *const (),
) {
    let entry = Waiter::entry(waiter);
    // SAFETY: By the safety requirements. CAST: As in `tell()`.
    unsafe {
        let tell = &(*entry.cast::<Called<W, P>>()).tell;
        tell.call.set(call);
        tell.with.set(with);
        queue.enqueue(entry, head);
        // INVARIANT: It is served by a call.
        (*entry).first.set(false);
    }
}

/// Takes a waiter off its list, if it is there. Returns whether it was: then nobody calls.
///
/// # Safety
///
/// The lock of the queue must be held. `head` was put on the list, and is not withdrawn again.
pub(crate) unsafe fn withdraw<P: Platform>(head: &Head<P>) -> bool {
    let waits = head.status() == WAITING;
    if waits {
        // SAFETY: By the safety requirements, and the status says that the entry is on its list.
        unsafe { unlink_all(head) };
    }
    waits
}
