// SPDX-License-Identifier: GPL-2.0

//! Something that is handed to sinks and notes what happens to it.

pub(crate) use crate::suite::until;
use baton::{
    parkable,
    sink::{
        AtomicContext,
        Context,
        Finish, //
    }, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full,
            Relaxed,
            Release, //
        },
        Arc, //
    },
    time::Delta, //
};

/// Longer than the suite takes.
pub(crate) const LONG: Delta = Delta::from_secs(3600);

/// What has happened to everything that has this note.
pub(crate) struct Note {
    pub(crate) finished: Atomic<u32>,
    /// How often that was in a hard interrupt, and how often with interrupts off.
    pub(crate) hard: Atomic<u32>,
    pub(crate) off: Atomic<u32>,
    /// How often a sink has returned what was pushed while it finished something.
    pub(crate) returned: Atomic<u32>,
    /// The errno of closing the sink from there.
    pub(crate) closed: Atomic<i32>,
    /// What is finished waits until this is not 0.
    pub(crate) go: Atomic<u32>,
    pub(crate) waits: Atomic<u32>,
}

impl Note {
    pub(crate) fn new() -> Result<Arc<Self>> {
        let note = Self {
            finished: Atomic::new(0),
            hard: Atomic::new(0),
            off: Atomic::new(0),
            returned: Atomic::new(0),
            closed: Atomic::new(0),
            go: Atomic::new(0),
            waits: Atomic::new(0),
        };
        Ok(Arc::new(note, GFP_KERNEL)?)
    }

    pub(crate) fn done(&self) {
        self.finished.fetch_add(1, Full);
    }

    pub(crate) fn finished(&self) -> u32 {
        self.finished.load(Acquire)
    }

    /// Waits for `go`, in a worker.
    pub(crate) fn stop_here(&self) {
        self.waits.store(1, Release);
        until(|| self.go.load(Acquire) != 0);
    }
}

/// Something that is counted.
pub(crate) struct Item(pub(crate) Arc<Note>);

impl<C: Context> Finish<C> for Item {
    fn finish(self, _cx: &mut C) {
        self.0.done();
    }
}

/// Something that is finished in atomic context, and notes in which.
pub(crate) struct InAtomic(pub(crate) Arc<Note>);

impl Finish<AtomicContext> for InAtomic {
    fn finish(self, cx: &mut AtomicContext) {
        self.0.hard.fetch_add(u32::from(cx.is_hard_irq()), Relaxed);
        self.0.off.fetch_add(u32::from(cx.is_irqs_off()), Relaxed);
        self.0.done();
    }
}

parkable! {
    /// Something for who polls.
    pub(crate) struct Polled {
        pub(crate) number: u32,
    }
}

impl Finish<AtomicContext> for Polled {
    fn finish(self, _cx: &mut AtomicContext) {}
}
