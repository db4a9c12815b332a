// SPDX-License-Identifier: GPL-2.0

//! What the log makes stable, in the place of the driver's own pages: it counts, and can fail.

use crate::{
    journal::Checkpoint,
    ring::Record,
    stats::Stats, //
};
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
    old: Atomic<bool>,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            fails: Atomic::new(false),
            bytes: Atomic::new(0),
            old: Atomic::new(false),
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

    /// There are checksums to be written out.
    pub(crate) fn grow_old(&self) {
        self.old.store(true, Relaxed);
    }

    pub(crate) fn write_back(
        &self,
        records: &[Record],
        _stats: &Stats,
        _cx: &mut MaySleep,
    ) -> Result<usize> {
        if self.fails.load(Relaxed) {
            return Err(EIO);
        }
        let bytes = records.iter().map(|record| record.bytes).sum::<u64>();
        self.bytes.fetch_add(bytes, Relaxed);
        Ok(records.len())
    }

    pub(crate) fn checkpoint(&self, stats: &Stats, _cx: &mut MaySleep) -> Result {
        self.old.store(false, Relaxed);
        stats.checkpoints.inc();
        Ok(())
    }

    pub(crate) fn checkpoint_due(&self) -> Checkpoint {
        if self.old.load(Relaxed) {
            Checkpoint::Later
        } else {
            Checkpoint::Never
        }
    }
}
