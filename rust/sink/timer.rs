// SPDX-License-Identifier: GPL-2.0

//! Finished by a timer.
//!
//! C header: [`include/linux/hrtimer.h`](srctree/include/linux/hrtimer.h)

use super::{
    finish::{
        AtomicContext,
        Finish, //
    },
    life::Life,
    queue::Queue, //
};
use crate::{
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
use kernel::{
    bindings,
    container_of,
    interrupt::local_interrupt_disable,
    prelude::*,
    time::Delta,
    types::Opaque, //
};

/// The longest delay of a [`TimerSink`]: a day.
const MAX_DELAY: Delta = Delta::from_secs(24 * 60 * 60);

/// A sink whose contents a timer finishes, in hard interrupt context (but on `PREEMPT_RT`, where what
/// takes spinlocks is not done there).
///
/// Like a device that coalesces interrupts: the first thing in the sink starts the timer, and when it
/// expires everything that is there is finished. What comes meanwhile does not put it off.
///
/// Dropping it frees it if it was closed, and leaves it to a worker that closes it otherwise; it never
/// sleeps. `mem::forget` leaks it until its module is unloaded, which closes it. From within its own
/// [`Finish::finish`], dropping it is left to the worker as well, and closing it is `EDEADLK`: see
/// [the module](crate::sink).
#[doc(alias = "hrtimer")]
pub struct TimerSink<P: Finish<AtomicContext>, L: Level = Unordered> {
    core: Owned<Core<P>>,
    _level: PhantomData<fn() -> L>,
}

/// What runs.
///
/// # Invariants
///
/// - `timer` is initialised with [`Self::expired`].
/// - `delay` is from 0 to [`MAX_DELAY`].
#[pin_data]
struct Core<P: Finish<AtomicContext>> {
    #[pin]
    queue: Queue<P>,
    #[pin]
    timer: Opaque<bindings::hrtimer>,
    #[pin]
    life: Life,
    delay: Delta,
}

// SAFETY: What is handed over is `Send`; timers are not tied to a task.
unsafe impl<P: Finish<AtomicContext>> Send for Core<P> {}

// SAFETY: The queue has a lock, and a timer may be started by any task.
unsafe impl<P: Finish<AtomicContext>> Sync for Core<P> {}

/// Checks a delay, which a timer would wait for without an end if it were negative.
#[inline(never)]
fn check(delay: Delta) -> Result<Delta> {
    let (value, max) = (delay.as_nanos(), MAX_DELAY.as_nanos());
    if (0..=max).contains(&value) {
        return Ok(delay);
    }
    pr_err!("timer sink: a delay of {value} ns is invalid, allowed: 0 to {max}\n");
    Err(EINVAL)
}

impl<P: Finish<AtomicContext>> TimerSink<P> {
    /// Makes a sink for up to `room` things at a time, that are finished `delay` after the first one.
    ///
    /// It is in nobody's order: see [`TimerSink::ordered`].
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL` unless `delay` is from nothing to a day; the log has the value.
    /// - `ENOMEM`; `ESHUTDOWN` if the module is being unloaded.
    #[track_caller]
    #[inline]
    pub fn new<C: Level>(cx: &mut MaySleep<C>, delay: Delta, room: usize) -> Result<Self> {
        Self::ordered(cx, delay, room)
    }
}

impl<P: Finish<AtomicContext>, L: Level> TimerSink<P, L> {
    /// As [`TimerSink::new`], with a place in the order of the module.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// As for [`TimerSink::new`].
    #[track_caller]
    pub fn ordered<C: Level>(_cx: &mut MaySleep<C>, delay: Delta, room: usize) -> Result<Self> {
        let delay = check(delay)?;
        Ok(Self {
            core: Owned::new(
                c"hrtimer",
                Core::<P>::expired as *const (),
                Location::caller(),
                Core::new(delay, room),
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
        let core = &*self.core;
        core.queue.push(payload, || {
            // SAFETY: By the type invariants. If it expires right now all the same, it will find what
            // is there, and once more nothing.
            unsafe {
                bindings::hrtimer_start_range_ns(
                    core.timer.get(),
                    core.delay.as_nanos(),
                    0,
                    bindings::hrtimer_mode_HRTIMER_MODE_REL,
                )
            };
        })
    }

    /// Finishes what is there without delay, and lets nothing run any more.
    ///
    /// What is handed over afterwards is returned. If somebody else closes it already, this waits for
    /// that; if somebody has, this returns at once.
    ///
    /// Context: may sleep. What is left is finished by the caller, with interrupts off (but on
    /// `PREEMPT_RT`).
    ///
    /// # Errors
    ///
    /// `EDEADLK` from what it finishes. Nothing has happened then.
    #[doc(alias = "hrtimer_cancel")]
    pub fn close<C: Level>(&self, _cx: &mut MaySleep<C>) -> Result
    where
        L: After<C>,
    {
        if self.core.is_current() {
            return Err(EDEADLK);
        }
        Teardown::tear_down(&*self.core);
        Ok(())
    }
}

impl<P: Finish<AtomicContext>> Core<P> {
    fn new(delay: Delta, room: usize) -> impl PinInit<Self, Error> {
        // INVARIANT: The caller has checked the delay.
        try_pin_init!(Self {
            queue <- Queue::new(room),
            timer <- Opaque::ffi_init(|timer| {
                // SAFETY: `timer` is valid for writes and will not move. CAST: It is small.
                unsafe {
                    bindings::hrtimer_setup(
                        timer,
                        Some(Self::expired),
                        bindings::CLOCK_MONOTONIC as i32,
                        bindings::hrtimer_mode_HRTIMER_MODE_REL,
                    )
                }
            }),
            life <- Life::new(),
            delay,
        }? Error)
    }

    /// # Safety
    ///
    /// `timer` must be that of a core.
    unsafe extern "C" fn expired(timer: *mut bindings::hrtimer) -> bindings::hrtimer_restart {
        let timer = Opaque::cast_from(timer);
        // SAFETY: By the safety requirements; the core is freed after it was torn down, which waits for
        // this function to return and lets the timer not be started again.
        let this = unsafe { &*container_of!(timer, Self, timer) };
        this.finish();
        bindings::hrtimer_restart::HRTIMER_NORESTART
    }

    fn finish(&self) {
        self.life
            .finishing(|| self.queue.finish(&mut AtomicContext::new()));
    }
}

impl<P: Finish<AtomicContext>> Teardown for Core<P> {
    const KIND: &'static str = "timer sink";
    const IN_ORDER: &'static str = "`close(cx)`";

    fn tear_down(&self) {
        self.life.close(&mut || {
            self.queue.close();
            // SAFETY: By the type invariants. The timer is started under the lock of the queue, and not
            // any more since that was closed. This waits if it expires just now.
            unsafe { bindings::hrtimer_cancel(self.timer.get()) };
            // As in the timer: others may take there what this takes. On `PREEMPT_RT` neither is
            // in an interrupt, and spinlocks sleep.
            let _irq = (!cfg!(CONFIG_PREEMPT_RT)).then(local_interrupt_disable);
            self.finish();
        });
    }

    fn is_current(&self) -> bool {
        self.life.is_finisher()
    }

    fn is_down(&self) -> bool {
        self.life.is_down()
    }
}
