// SPDX-License-Identifier: GPL-2.0

//! This library's way to keep what was found under a lock: pins of a pool.

use baton::{
    pool::{
        new_pool,
        Pool, //
    },
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

const NODES: u64 = 64;

/// A pool, and how often a node of it was pinned.
#[pin_data]
pub(crate) struct Nodes {
    #[pin]
    pool: Pool<u64, u64>,
    pinned: Atomic<u64>,
}

impl Nodes {
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            pool <- new_pool!(),
            pinned: Atomic::new(0),
        })
    }

    /// Makes all nodes.
    pub(crate) fn fill(&self, cx: &mut MaySleep) -> Result {
        for key in 0..NODES {
            drop(self.pool.insert(cx, key, (), key, GFP_KERNEL)?);
        }
        Ok(())
    }

    /// Finds and pins one node after the other, and lets go of it.
    pub(crate) fn run(&self, cx: &mut MaySleep, ops: u64) -> Result {
        for key in 0..ops {
            let pin = self.pool.lock_in(cx).pin(key % NODES)?;
            drop(pin);
        }
        self.pinned.store(self.pinned() + ops, Relaxed);
        Ok(())
    }

    pub(crate) fn pinned(&self) -> u64 {
        self.pinned.load(Relaxed)
    }
}
