// SPDX-License-Identifier: GPL-2.0

//! This library's way to let a background thread run, and to wait for that run: an agent.

use baton::{
    agent::{
        Current,
        Operations,
        Runs, //
    },
    event::Uninterruptible,
    level::levels,
    MaySleep,
    Ordered, //
};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        lock::spinlock::SpinLockBackend,
        Arc,
        SpinLock, //
    },
};

levels! {
    /// What is taken, outermost first.
    mod order {
        /// A run.
        Work needs [State],
        /// The state of the agent.
        State,
    }
}

#[pin_data]
pub(crate) struct Data {
    #[pin]
    runs: Runs<order::Work, order::State>,
}

fn runs(data: Pin<&mut Data>) -> Pin<&mut Runs<order::Work, order::State>> {
    data.project().runs
}

/// A thread with nothing to do but to have run.
#[pin_data]
pub(crate) struct Daemon {
    #[pin]
    state: Ordered<order::State, SpinLock<Data>>,
    ended: Atomic<u64>,
}

impl Daemon {
    pub(crate) fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                state <- Ordered::new(new_spinlock!(pin_init!(Data { runs <- Runs::new() }))),
                ended: Atomic::new(0),
            }? Error),
            GFP_KERNEL,
        )
    }

    /// Starts one run after the other, and waits for each.
    pub(crate) fn run(&self, cx: &mut MaySleep, ops: u64) -> Result {
        for _ in 0..ops {
            let mut held = self.state.lock_in(cx);
            let run = runs(held.as_mut()).start().map_err(|_| ESHUTDOWN)?;
            let (held, ended) = held.ended(Uninterruptible, runs, run);
            drop(held);
            ended?;
        }
        Ok(())
    }

    pub(crate) fn runs(&self) -> u64 {
        self.ended.load(Relaxed)
    }
}

impl Operations for Daemon {
    type Level = order::Work;
    type LockLevel = order::State;
    type Data = Data;
    type Backend = SpinLockBackend;

    fn lock(&self) -> &Ordered<order::State, SpinLock<Data>> {
        &self.state
    }

    fn runs(data: Pin<&mut Data>) -> Pin<&mut Runs<order::Work, order::State>> {
        runs(data)
    }

    fn run(&self, _current: &Current<'_, Self>, _cx: &mut MaySleep<order::Work>) {
        self.ended.store(self.ended.load(Relaxed) + 1, Relaxed);
    }
}
