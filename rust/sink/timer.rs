// SPDX-License-Identifier: GPL-2.0

//! Finished by a timer.
//!
//! C header: [`include/linux/hrtimer.h`](srctree/include/linux/hrtimer.h)

use super::{
    queue::Queue,
    Finish, //
};
use kernel::{
    bindings,
    container_of,
    prelude::*,
    time::Delta,
    types::Opaque, //
};

/// A sink whose contents a timer finishes, in hard interrupt context (but on `PREEMPT_RT`, where what
/// takes spinlocks is not done there).
///
/// Like a device that coalesces interrupts: the first thing in the sink starts the timer, and when it
/// expires everything that is there is finished.
///
/// # Invariants
///
/// `timer` is initialised with [`Self::expired`].
#[doc(alias = "hrtimer")]
#[pin_data(PinnedDrop)]
pub struct TimerSink<P: Finish> {
    #[pin]
    queue: Queue<P>,
    #[pin]
    timer: Opaque<bindings::hrtimer>,
    delay: Delta,
}

// SAFETY: What is handed over is `Send`; timers are not tied to a task.
unsafe impl<P: Finish> Send for TimerSink<P> {}

// SAFETY: The queue has a lock, and a timer may be started by any task.
unsafe impl<P: Finish> Sync for TimerSink<P> {}

impl<P: Finish> TimerSink<P> {
    /// Makes a sink for up to `room` things at a time, that are finished `delay` after the first one.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new(delay: Delta, room: usize) -> impl PinInit<Self, Error> {
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
            delay,
        }? Error)
    }

    /// Hands something over.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// What was handed over, if the sink is full.
    pub fn push(&self, payload: P) -> Result<(), P> {
        if self.queue.push(payload)? {
            // SAFETY: By the type invariants. If it expires right now all the same, it will find what
            // is there, and once more nothing.
            unsafe {
                bindings::hrtimer_start_range_ns(
                    self.timer.get(),
                    self.delay.as_nanos(),
                    0,
                    bindings::hrtimer_mode_HRTIMER_MODE_REL,
                )
            };
        }
        Ok(())
    }

    /// # Safety
    ///
    /// `timer` must be that of a sink.
    unsafe extern "C" fn expired(timer: *mut bindings::hrtimer) -> bindings::hrtimer_restart {
        let timer = Opaque::cast_from(timer);
        // SAFETY: By the safety requirements; the sink lives until its timer is cancelled.
        let this = unsafe { &*container_of!(timer, Self, timer) };
        this.queue.finish();
        bindings::hrtimer_restart::HRTIMER_NORESTART
    }
}

#[pinned_drop]
impl<P: Finish> PinnedDrop for TimerSink<P> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariants; nobody starts it any more. It waits if it expires just now.
        unsafe { bindings::hrtimer_cancel(self.timer.get()) };
        self.queue.finish();
    }
}
