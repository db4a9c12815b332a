// SPDX-License-Identifier: GPL-2.0

//! What the checksums and the log count, in the place of the driver's own counters: whoever counts can be held up
//! there, in the middle of what they do.

use crate::suite::until;
use kernel::sync::atomic::{
    Acquire,
    Atomic,
    Relaxed,
    Release, //
};

/// Nobody is to be held up.
const OPEN: u32 = 0;
/// The next one is.
const SHUT: u32 = 1;
/// Somebody is.
const HELD: u32 = 2;

pub(crate) struct Counter {
    count: Atomic<u64>,
    gate: Atomic<u32>,
}

impl Counter {
    pub(crate) fn new() -> Self {
        Self {
            count: Atomic::new(0),
            gate: Atomic::new(OPEN),
        }
    }

    pub(crate) fn add(&self, n: u64) {
        self.count.fetch_add(n, Relaxed);
        if self.gate.cmpxchg(SHUT, HELD, Acquire).is_ok() {
            until(|| self.gate.load(Acquire) != HELD);
        }
    }

    pub(crate) fn inc(&self) {
        self.add(1);
    }

    pub(crate) fn get(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// Whoever counts next is held up.
    pub(crate) fn shut(&self) {
        self.gate.store(SHUT, Release);
    }

    /// Returns whether somebody is, within the time that there is for it.
    pub(crate) fn holds(&self) -> bool {
        until(|| self.gate.load(Acquire) == HELD)
    }

    /// Lets them go on.
    pub(crate) fn open(&self) {
        self.gate.store(OPEN, Release);
    }
}

pub(crate) struct Stats {
    pub(crate) pins: Counter,
    pub(crate) checkpoints: Counter,
    pub(crate) nodes_written: Counter,
    pub(crate) nodes_read: Counter,
    pub(crate) log_full: Counter,
    pub(crate) log_waits: Counter,
    pub(crate) log_commits: Counter,
    pub(crate) log_records: Counter,
    pub(crate) written_back: Counter,
}

impl Stats {
    pub(crate) fn new() -> Self {
        Self {
            pins: Counter::new(),
            checkpoints: Counter::new(),
            nodes_written: Counter::new(),
            nodes_read: Counter::new(),
            log_full: Counter::new(),
            log_waits: Counter::new(),
            log_commits: Counter::new(),
            log_records: Counter::new(),
            written_back: Counter::new(),
        }
    }
}
