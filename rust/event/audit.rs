// SPDX-License-Identifier: GPL-2.0

//! The auditor: finds a sleeper whose condition holds.
//!
//! In C the condition is in the waiter's loop, so nobody else can evaluate it. Here the event has
//! it, so under the lock "asleep although the condition holds" can be decided exactly: there are no
//! false reports, because a condition that holds and the wake-up for it are under one lock.
//!
//! The types leave one way to get there: a claim that reads something other than its arguments, such
//! as a `static`. That is what the auditor is for.

use super::{
    Event,
    Policy, //
};
use crate::level::Level;
use core::pin::Pin;

/// What an audit has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// How many tasks were asleep on the event.
    pub sleeping: usize,
    /// How many of them were asleep although their claim succeeds: lost wake-ups. With [`Fifo`] those
    /// behind a waiter whose claim fails do not count, since they have to wait for it.
    ///
    /// [`Fifo`]: super::Fifo
    pub lost: usize,
}

impl<W, P: Policy, E: Level> Event<W, P, E> {
    /// Evaluates the claim of every sleeper again and serves those for which it succeeds.
    ///
    /// By the invariants of [`Event`] none can, so each one is a lost wake-up. It is rescued, since
    /// an evaluated claim has taken what it claims: the report and the rescue cannot be had apart.
    ///
    /// Context: as [`Event::update`].
    pub fn audit(self: Pin<&mut Self>) -> Audit {
        let this = self.parts();
        Audit {
            sleeping: this.queue.len(),
            lost: this.queue.consider(this.data, P::FIFO),
        }
    }
}
