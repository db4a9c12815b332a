// SPDX-License-Identifier: GPL-2.0

//! The auditor: finds a sleeper whose condition holds.
//!
//! In C the condition is in the waiter's loop, so nobody else can evaluate it. Here the event has
//! it, so under the lock "asleep although the condition holds" can be decided exactly, at that moment.
//!
//! The types leave one way to lose a wake-up: a condition that depends on something besides the data of
//! the event, such as a `static`, or on data with interior mutability. The auditor finds the sleepers that
//! this costs, if the condition still holds when it looks.

use super::{
    Event,
    Parts,
    Policy, //
};
use crate::level::Level;
use core::pin::Pin;
use kernel::bindings;

/// What an audit has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// How many tasks were asleep on the event, and [`Callback`](super::Callback)s waiting.
    pub sleeping: usize,
    /// How many of them were asleep although their condition held: lost wake-ups.
    pub lost: usize,
    /// How many sleep although their condition holds, because a waiter that makes the same claim is before
    /// them, and its claim fails. Only with [`Fifo`](super::Fifo), which was asked for.
    pub behind: usize,
    /// The first of these.
    pub first: Option<Behind>,
}

/// A waiter whose condition holds, and whom it is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind {
    /// The number of the waiting task.
    pub pid: i32,
    /// The number of the task that it is behind, and whose claim fails.
    pub ahead: i32,
}

/// # Safety
///
/// `task` must be a live task.
unsafe fn pid(task: *mut bindings::task_struct) -> i32 {
    // SAFETY: By the safety requirements; the number does not change.
    unsafe { (*task).pid }
}

impl<W, P: Policy, E: Level> Event<W, P, E> {
    /// Tries the claim of every sleeper again and serves those for which it succeeds.
    ///
    /// By the invariants of [`Event`] none can, so each one is a lost wake-up, and is rescued.
    ///
    /// Context: as [`Event::update`].
    pub fn audit(self: Pin<&mut Self>) -> Audit {
        let Parts { queue, data } = self.parts();
        let mut audit = Audit {
            sleeping: queue.len(),
            lost: queue.rescue(data),
            ..Audit::default()
        };
        queue.behind(data, |task, ahead| {
            audit.behind += 1;
            // SAFETY: Tasks on the queue sleep, or are about to, and do not exit before they are off it.
            audit.first.get_or_insert(unsafe {
                Behind {
                    pid: pid(task),
                    ahead: pid(ahead),
                }
            });
        });
        audit
    }
}
