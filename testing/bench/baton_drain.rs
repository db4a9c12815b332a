// SPDX-License-Identifier: GPL-2.0

//! This library's way to count requests in flight, and to wait until there are none.

use crate::baton_errand::Errand;
use baton::{
    drain::{
        new_drain,
        Drain,
        InFlight, //
    },
    event::Uninterruptible,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

/// A drain, who ends what others have begun, and how much was begun, or waited for.
#[pin_data]
pub(crate) struct Requests {
    #[pin]
    drain: Drain,
    #[pin]
    last: Errand<InFlight>,
    done: Atomic<u64>,
}

impl Requests {
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            drain <- new_drain!(),
            last <- Errand::new(),
            done: Atomic::new(0),
        })
    }

    /// Begins and ends, and nobody waits.
    pub(crate) fn run(&self, cx: &mut MaySleep, ops: u64) -> Result {
        for _ in 0..ops {
            self.drain.begin(cx)?.end();
        }
        self.done.store(self.done() + ops, Relaxed);
        Ok(())
    }

    /// Begins what another task ends, and waits for that with the gate shut.
    pub(crate) fn wait(&self, cx: &mut MaySleep, ops: u64) -> Result {
        for _ in 0..ops {
            let request = self.drain.begin(cx)?.hand_over();
            self.last.leave(cx, request);
            let mut shut = self.drain.shut(cx, Uninterruptible)?;
            shut.wait(Uninterruptible)?;
        }
        self.done.store(self.done() + ops, Relaxed);
        Ok(())
    }

    /// Ends what others have begun.
    pub(crate) fn serve(&self, cx: &mut MaySleep) {
        self.last.serve(cx, InFlight::end);
    }

    pub(crate) fn end(&self, cx: &mut MaySleep) {
        self.last.end(cx);
    }

    pub(crate) fn done(&self) -> u64 {
        self.done.load(Relaxed)
    }
}
