// SPDX-License-Identifier: GPL-2.0

//! Finished by whoever polls.

use super::{
    queue::Queue,
    Finish, //
};
use crate::drain::Parkable;
use kernel::prelude::*;

/// A sink whose contents the tasks that have handed them over finish, by polling.
///
/// While such a task does something else nothing is finished. Hence what is in here must be
/// [`Parkable`], which nothing is that a drain counts.
#[doc(alias = "iopoll")]
#[pin_data(PinnedDrop)]
pub struct PollSink<P: Finish + Parkable> {
    #[pin]
    queue: Queue<P>,
}

impl<P: Finish + Parkable> PollSink<P> {
    /// Makes a sink for up to `room` things at a time.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new(room: usize) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            queue <- Queue::new(room),
        }? Error)
    }

    /// Hands something over.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// What was handed over, if the sink is full.
    pub fn push(&self, payload: P) -> Result<(), P> {
        self.queue.push(payload).map(|_first| ())
    }

    /// Finishes what is there; returns how many that were.
    ///
    /// Context: any.
    pub fn poll(&self) -> usize {
        if self.queue.is_empty() {
            return 0;
        }
        self.queue.finish()
    }
}

#[pinned_drop]
impl<P: Finish + Parkable> PinnedDrop for PollSink<P> {
    fn drop(self: Pin<&mut Self>) {
        self.queue.finish();
    }
}
