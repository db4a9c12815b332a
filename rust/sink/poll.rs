// SPDX-License-Identifier: GPL-2.0

//! Finished by whoever polls.

use super::{
    finish::{
        AtomicContext,
        Finish, //
    },
    queue::Queue, //
};
use crate::{
    drain::Parkable,
    level::{
        After,
        Level,
        Unordered, //
    },
    owner::{
        Owned,
        Teardown, //
    },
    MaySleep, //
};
use core::{
    marker::PhantomData,
    panic::Location, //
};
use kernel::prelude::*;

/// A sink whose contents the tasks that have handed them over finish, by polling.
///
/// While such a task does something else nothing is finished. Hence what is in here must be
/// [`Parkable`], which nothing is that a drain counts.
///
/// Dropping it frees it if it was closed, and leaves it to a worker that closes it otherwise; it never
/// sleeps. `mem::forget` leaks it until its module is unloaded, which closes it. From within its own
/// [`Finish::finish`], dropping it is left to the worker as well, and closing it is allowed: see
/// [the module](crate::sink).
#[doc(alias = "iopoll")]
pub struct PollSink<P: Finish<AtomicContext> + Parkable, L: Level = Unordered> {
    core: Owned<Core<P>>,
    _level: PhantomData<fn() -> L>,
}

/// What is polled.
#[pin_data]
struct Core<P: Finish<AtomicContext> + Parkable> {
    #[pin]
    queue: Queue<P>,
}

impl<P: Finish<AtomicContext> + Parkable> PollSink<P> {
    /// Makes a sink for up to `room` things at a time.
    ///
    /// It is in nobody's order: see [`PollSink::ordered`].
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `ESHUTDOWN` if the module is being unloaded.
    #[track_caller]
    #[inline]
    pub fn new<C: Level>(cx: &mut MaySleep<C>, room: usize) -> Result<Self> {
        Self::ordered(cx, room)
    }
}

impl<P: Finish<AtomicContext> + Parkable, L: Level> PollSink<P, L> {
    /// As [`PollSink::new`], with a place in the order of the module.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// As for [`PollSink::new`].
    #[track_caller]
    pub fn ordered<C: Level>(_cx: &mut MaySleep<C>, room: usize) -> Result<Self> {
        let core = try_pin_init!(Core {
            queue <- Queue::new(room),
        }? Error);
        Ok(Self {
            core: Owned::new(
                c"poll",
                <Core<P> as Teardown>::tear_down as *const (),
                Location::caller(),
                core,
            )?,
            _level: PhantomData,
        })
    }

    /// Hands something over.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// What was handed over, if the sink is full or was closed.
    pub fn push(&self, payload: P) -> Result<(), P> {
        self.core.queue.push(payload, || ())
    }

    /// Finishes what is there; returns how many that were.
    ///
    /// Several tasks may poll at once, also from [`Finish::finish`].
    ///
    /// Context: any.
    pub fn poll(&self) -> usize {
        if self.core.queue.is_empty() {
            return 0;
        }
        self.core.queue.finish(&mut AtomicContext::new())
    }

    /// Finishes what is there, and lets nothing be handed over any more.
    ///
    /// What somebody else has polled before may still be being finished when this returns: nothing is
    /// waited for, so that it may be called from [`Finish::finish`] too.
    ///
    /// Context: may sleep.
    pub fn close<C: Level>(&self, _cx: &mut MaySleep<C>)
    where
        L: After<C>,
    {
        self.core.queue.close();
        self.poll();
    }
}

impl<P: Finish<AtomicContext> + Parkable> Teardown for Core<P> {
    const KIND: &'static str = "poll sink";
    const IN_ORDER: &'static str = "`close(cx)`";

    fn tear_down(&self) {
        self.queue.close();
        self.queue.finish(&mut AtomicContext::new());
    }

    fn is_current(&self) -> bool {
        false
    }

    fn is_down(&self) -> bool {
        self.queue.is_closed()
    }
}
