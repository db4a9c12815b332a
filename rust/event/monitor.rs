// SPDX-License-Identifier: GPL-2.0

//! The wait, step by step.
//!
//! This file has no kernel paths. The module compiles it as it stands, and `testing/model/` includes
//! the same file by `#[path]`, like the protocol that it uses.

use super::protocol::{
    sleep_until_completed,
    status,
    Platform,
    Queue,
    Sleeper,
    Waiter,
    CHOSEN,
    SERVED,
    WAITING, //
};
use core::ptr;

/// A lock, and how to find the event in what it protects.
pub(crate) trait Monitor<W, P: Platform> {
    /// Holds the lock until it is dropped.
    type Guard;

    /// Takes the lock.
    fn lock(&mut self) -> Self::Guard;
    /// Finds the event; [`None`] if it is not under this lock, or not any more.
    fn find<'g>(&mut self, guard: &'g mut Self::Guard) -> Option<(&'g mut Queue<W, P>, &'g mut W)>;
    /// The task is on the queue, and will sleep unless it is served before. For reports.
    #[inline]
    fn sleeps(&mut self, _guard: &mut Self::Guard) {}
}

/// Why a wait has ended without what was claimed.
pub(crate) enum Ended<G> {
    /// The event was closed.
    Closed,
    /// The sleeper gave up.
    GaveUp(G),
}

/// Claims, or waits until somebody has claimed on this task's behalf.
///
/// The event is only ever reached through a reference that [`Monitor::find`] has derived from a
/// guard, also when the waiter gives up and has to be taken off the list: it may have been freed in
/// between, or moved out of the lock by its owner, who may then use it without the lock.
///
/// # Errors
///
/// [`Ended::Closed`] if the event is closed or not there; [`Ended::GaveUp`] if the sleeper gave up.
#[inline]
pub(crate) fn wait<W, A, R, P, S, M>(
    mut monitor: M,
    mut guard: M::Guard,
    fifo: bool,
    mut sleeper: S,
    claim: fn(&mut W, &A) -> Option<R>,
    arg: A,
) -> Result<R, Ended<S::GaveUp>>
where
    P: Platform,
    S: Sleeper,
    M: Monitor<W, P>,
{
    let waiter = Waiter::<W, A, R, P>::new(claim, arg);
    let entry = Waiter::entry(&raw const waiter);

    let Some((queue, data)) = monitor.find(&mut guard) else {
        return Err(Ended::Closed);
    };
    if queue.is_closed() {
        return Err(Ended::Closed);
    }
    if !fifo || queue.is_empty() {
        if let Some(result) = waiter.try_now(data) {
            if !queue.is_empty() {
                queue.consider(data, fifo);
            }
            return Ok(result);
        }
    }
    let address = ptr::from_ref(queue);
    // SAFETY: `waiter` stays in this frame until its entry is off the list: the frame is left only
    // after the waiter was seen to be completed, or after `withdraw()`. The queue is not
    // closed.
    unsafe { queue.enqueue(entry) };
    monitor.sleeps(&mut guard);
    sleeper.publish(); // A, pairs with C
    drop(guard);

    let ended = loop {
        // SAFETY: This task has enqueued the entry.
        let why = match unsafe { sleep_until_completed(entry, &mut sleeper) } {
            Ok(ended) => break ended,
            Err(why) => why,
        };
        let mut guard = monitor.lock();
        // SAFETY: This task has enqueued the entry.
        let ended = unsafe { status(entry) };
        if ended == CHOSEN {
            // It was served meanwhile, and will be told in a moment. Until then the entry is in use.
            drop(guard);
            sleeper.insist();
            sleeper.publish(); // A, pairs with C
            continue;
        }
        if ended != WAITING {
            // It was completed meanwhile: what it was given wins.
            break ended;
        }
        match monitor.find(&mut guard) {
            // The entry is on the list of a live event at `address`, and there cannot be two.
            Some((queue, data)) if ptr::eq(queue, address) => {
                // SAFETY: The entry is on the list of this queue.
                unsafe { queue.withdraw(entry, data, fifo) };
                return Err(Ended::GaveUp(why));
            }
            // The event has left the lock with this task on it. Whoever has it now may be using it
            // at this moment, so the entry has to stay until it is completed, by an update or, at
            // the latest, when the event is dropped.
            _ => {
                drop(guard);
                sleeper.insist();
                sleeper.publish(); // A, pairs with C
            }
        }
    };

    if ended != SERVED {
        return Err(Ended::Closed);
    }
    // SAFETY: The status was seen to be neither `WAITING` nor `CHOSEN`, with acquire ordering.
    match unsafe { waiter.take() } {
        Some(result) => Ok(result),
        // Not reached: `SERVED` is published after the result was stored.
        None => Err(Ended::Closed),
    }
}
