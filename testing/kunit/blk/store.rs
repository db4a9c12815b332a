// SPDX-License-Identifier: GPL-2.0

//! What the log makes stable, in the place of the driver's own pages: it counts, and can fail.

use crate::stats::Stats;
use baton::MaySleep;
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

pub(crate) struct Store {
    fails: Atomic<bool>,
    bytes: Atomic<u64>,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            fails: Atomic::new(false),
            bytes: Atomic::new(0),
        }
    }

    /// Whatever is to be stable from now on is an error.
    pub(crate) fn fail(&self) {
        self.fails.store(true, Relaxed);
    }

    /// How much is stable.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    pub(crate) fn write_back(&self, _start: u64, bytes: u64, _cx: &mut MaySleep) -> Result<usize> {
        if self.fails.load(Relaxed) {
            return Err(EIO);
        }
        self.bytes.fetch_add(bytes, Relaxed);
        Ok(1)
    }

    pub(crate) fn checkpoint(&self, stats: &Stats, _cx: &mut MaySleep) -> Result {
        stats.checkpoints.inc();
        Ok(())
    }
}
