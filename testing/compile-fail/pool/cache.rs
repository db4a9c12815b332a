// SPDX-License-Identifier: GPL-2.0

//! A cache for the cases: nodes with a number, and whether they are dirty.

pub use baton::{
    event::{
        Interruptible,
        Uninterruptible, //
    },
    pool::{
        Batch,
        Candidate,
        Exclusive,
        Pinned,
        Pool,
        Refused, //
    },
    shrinker::{
        Reclaim,
        Scanned,
        Shrink, //
    },
    MaySleep, //
};
pub use kernel::prelude::*;

pub type Cache = Pool<u32, u32, bool>;
