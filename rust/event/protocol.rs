// SPDX-License-Identifier: GPL-2.0

//! The event protocol: why no wake-up is lost, and the sleep.
//!
//! The list of waiters is in `queue.rs`, the loop that serves them in `serve.rs`, a waiter is in `waiter.rs`, and
//! the steps of a wait are in `monitor.rs`. None of these files has kernel paths. The module compiles
//! them as they stand, and `testing/model/` includes the same files by `#[path]` and lets loom explore
//! their interleavings; what differs is the [`Platform`].
//!
//! # Names
//!
//! - The *lock* is whatever protects the [`Queue`] and the watched data `W`. All functions that take
//!   `&mut Queue` are called under it.
//! - A *claim* is a condition on the data and what a waiter takes the moment that it holds. It runs
//!   under the lock, on whichever task holds it, on the waiter's behalf.
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
//! # Several events
//!
//! A waiter may wait for several events that have the same lock. It then has an entry on the list of
//! each and one status for all, in its [`Head`]. Whoever completes the waiter takes all its entries off
//! their lists, under that lock, before it publishes the status. So a waiter is served once, and the
//! other events cannot find it any more. What becomes of who was behind it there is in `leave.rs`.
//!
//! # Why the waker does not touch a dead entry
//!
//! The entry lives on the waiter's stack and is gone as soon as the waiter has seen a status other
//! than WAITING. B is therefore the last access to the entry; the task is read from it before, and
//! [`Platform::Live`] keeps that task's memory valid across C.

pub(crate) use super::{
    chosen::Chosen,
    claim::{
        private::Sealed,
        Claim, //
    },
    leave::unlink_all,
    needs::{
        Platform,
        Sleeper, //
    },
    queue::{
        Entry,
        Head,
        Queue,
        CHOSEN,
        CLOSED,
        ENDED,
        LOOK,
        SERVED,
        WAITING, //
    },
    waiter::Waiter,
};

/// Sleeps until the waiter is completed or the sleeper gives up.
///
/// The caller has published its state under the lock (A) and released the lock.
///
/// # Errors
///
/// Returns why the sleeper gave up; the entries may still be on their lists and must be withdrawn. With
/// [`LOOK`], which is no end, they are on their lists as well.
// A part of the wait: what that has in registers it need not save.
#[inline(always)]
pub(crate) fn sleep_until_completed<P: Platform, S: Sleeper>(
    head: &Head<P>,
    sleeper: &mut S,
) -> Result<u32, S::GaveUp> {
    let result = loop {
        let status = head.status(); // D, pairs with B
        if is_completed(status) {
            break Ok(status);
        }
        // Looked at after the status: what was granted is never lost to a signal or a timeout.
        if let Some(why) = sleeper.give_up() {
            break Err(why);
        }
        sleeper.sleep();
        // The task runs, mostly because it was completed. Then there is nothing to publish.
        let status = head.status(); // D, pairs with B
        if is_completed(status) {
            return Ok(status);
        }
        sleeper.publish(); // A, pairs with C
    };
    sleeper.running();
    result
}

/// Whether a waiter with this status has something to do: it is told how its wait has ended, or has to [`LOOK`].
#[inline]
fn is_completed(status: u32) -> bool {
    status != WAITING && status != CHOSEN
}
