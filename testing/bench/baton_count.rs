// SPDX-License-Identifier: GPL-2.0

//! This library's way to count what is in flight.

use baton::count::{
    new_count,
    Count, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

/// A count, and how often it was counted up and down.
#[pin_data]
pub(crate) struct Pieces {
    #[pin]
    count: Count,
    counted: Atomic<u64>,
}

impl Pieces {
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            count <- new_count!(),
            counted: Atomic::new(0),
        })
    }

    /// Counts up and down, above a number that does not go away.
    pub(crate) fn run(&self, ops: u64) -> Result {
        let rest = self.count.up()?;
        for _ in 0..ops {
            self.count.up()?.down();
        }
        rest.down();
        self.counted.store(self.counted() + ops, Relaxed);
        Ok(())
    }

    pub(crate) fn counted(&self) -> u64 {
        self.counted.load(Relaxed)
    }
}
