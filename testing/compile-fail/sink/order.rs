// SPDX-License-Identifier: GPL-2.0

//! An order for the cases: the end of a device, and the totals that it adds to.

pub use baton::{
    level::{
        levels,
        Unordered, //
    },
    registry,
    shrinker::{
        Reclaim,
        Scanned,
        Seeks,
        Shrink,
        Shrinker, //
    },
    sink::{
        AtomicContext,
        Context,
        Finish,
        PollSink,
        TimerSink,
        WorkSink, //
    },
    LockIn,
    MaySleep,
    Ordered, //
};
pub use kernel::{
    prelude::*,
    sync::{
        Arc,
        Mutex,
        SpinLock,
        SpinLockIrq, //
    },
};

levels! {
    /// Outermost first.
    pub mod order {
        /// Stands above everything else.
        First,
        /// Stands above a device.
        Early,
        /// What has totals to add to.
        Done,
        /// The totals.
        Totals,
        /// Stands below everything else.
        Late,
    }
}

pub type Totals = Ordered<order::Totals, Mutex<u64>>;

pub struct Bytes {
    pub bytes: u64,
    pub totals: Arc<Totals>,
}

pub struct Nothing;

impl<C: Context> Finish<C> for Nothing {
    fn finish(self, _cx: &mut C) {}
}
