// SPDX-License-Identifier: GPL-2.0

//! What the suites wait for: credits behind a lock, and threads that take them.

use baton::{
    event::{
        when,
        Claim,
        ModeAt,
        Policy, //
    },
    new_event,
    Event,
    LockIn,
    MaySleep,
    Thread,
    WaitError, //
};
use core::mem;
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex, //
    },
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta,
        Instant,
        Jiffies,
        Monotonic, //
    }, //
};

/// How long a test waits for what must happen before it fails.
pub(crate) fn deadline() -> Jiffies {
    msecs_to_jiffies(10_000)
}

/// Returns once `done` holds.
pub(crate) fn until(mut done: impl FnMut() -> bool) -> Result {
    let start = Instant::<Monotonic>::now();
    while !done() {
        if start.elapsed() > Delta::from_secs(10) {
            return Err(ETIMEDOUT);
        }
        fsleep(Delta::from_micros(100));
    }
    Ok(())
}

/// How a waiter's wait has ended.
pub(crate) const PENDING: u32 = 0;
pub(crate) const SERVED: u32 = 1;
pub(crate) const CLOSED: u32 = 2;
pub(crate) const SIGNAL: u32 = 3;
pub(crate) const TIMED_OUT: u32 = 4;
pub(crate) const ENDED: u32 = 5;

pub(crate) fn code<E: Into<WaitError>>(result: Result<u32, E>) -> u32 {
    match result.map_err(Into::into) {
        Ok(_) => SERVED,
        Err(WaitError::Closed | WaitError::Stopped) => CLOSED,
        Err(WaitError::Ended) => ENDED,
        Err(WaitError::Signal) => SIGNAL,
        Err(WaitError::TimedOut) => TIMED_OUT,
    }
}

/// Credits that waiters take, and how the waits of up to four waiters have ended.
#[pin_data]
pub(crate) struct Gate<P: Policy> {
    #[pin]
    pub(crate) state: Mutex<State<P>>,
    ended: [Atomic<u32>; 4],
}

#[pin_data]
pub(crate) struct State<P: Policy> {
    #[pin]
    pub(crate) credits: Event<u32, P>,
    #[pin]
    pub(crate) other: Event<u32, P>,
}

/// Takes `want` credits.
pub(crate) fn take(want: u32) -> impl Claim<u32, Output = u32> {
    when(
        move |credits: &u32| *credits >= want,
        move |credits: &mut u32| {
            *credits -= want;
            want
        },
    )
}

impl<P: Policy> Gate<P> {
    pub(crate) fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                state <- new_mutex!(pin_init!(State {
                    credits <- new_event!(0),
                    other <- new_event!(0),
                })),
                ended: [const { Atomic::new(PENDING) }; 4],
            }),
            GFP_KERNEL,
        )
    }

    /// Starts waiter `id`, which wants `want` credits, and returns once it sleeps.
    pub(crate) fn start<M>(
        self: &Arc<Self>,
        cx: &mut MaySleep,
        id: usize,
        want: u32,
        mode: M,
    ) -> Result<Thread>
    where
        M: ModeAt + Send + 'static,
        M::Error: Into<WaitError>,
    {
        let sleeping = self.state.lock_in(cx).credits.waiters();
        let gate = self.clone();
        let thread = Thread::spawn(cx, c"event_waiter", move |cx, _| {
            let result = gate
                .state
                .lock_in(cx)
                .on(|s| &s.credits)
                .claim(take(want))
                .wait(mode);
            gate.note(id, result);
        })?;
        self.gate(cx, sleeping + 1)?;
        Ok(thread)
    }

    /// Returns once `count` tasks sleep on the event.
    pub(crate) fn gate(&self, cx: &mut MaySleep, count: usize) -> Result {
        let end = Instant::<Monotonic>::now();
        while self.state.lock_in(cx).credits.waiters() != count {
            if end.elapsed() > Delta::from_secs(10) {
                pr_err!("waited 10 s for {} tasks to sleep on the event\n", count);
                self.rescue(cx);
                return Err(ETIMEDOUT);
            }
            fsleep(Delta::from_micros(100));
        }
        Ok(())
    }

    /// Ends every wait, so that the boot goes on.
    pub(crate) fn rescue(&self, cx: &mut MaySleep) {
        self.state.lock_in(cx).as_mut().project().credits.close();
    }

    /// Ends every present wait.
    pub(crate) fn end_waits(&self, cx: &mut MaySleep) {
        let mut held = self.state.lock_in(cx);
        held.as_mut().project().credits.end_waits();
    }

    /// Joins `threads`, or says which one hangs and rescues it.
    pub(crate) fn join<const N: usize>(&self, cx: &mut MaySleep, threads: [Thread; N]) -> Result {
        let mut hung = false;
        for (number, thread) in threads.into_iter().enumerate() {
            if let Err(thread) = thread
                .join_timeout(cx, deadline())
                .map_err(|refused| refused.object)
            {
                pr_err!("thread {} still waits for credits: a hang\n", number);
                hung = true;
                self.rescue(cx);
                if let Err(refused) = thread.join_timeout(cx, deadline()) {
                    // It cannot be ended: the test is to fail all the same.
                    mem::forget(refused);
                }
            }
        }
        if hung {
            return Err(ETIMEDOUT);
        }
        Ok(())
    }

    /// Notes how a wait has ended.
    pub(crate) fn note<E: Into<WaitError>>(&self, id: usize, result: Result<u32, E>) {
        self.ended[id].store(code(result), Relaxed);
    }

    /// Notes an end by hand.
    pub(crate) fn end(&self, id: usize) {
        self.ended[id].store(SERVED, Relaxed);
    }

    pub(crate) fn ended(&self, id: usize) -> u32 {
        self.ended[id].load(Relaxed)
    }

    pub(crate) fn add(&self, cx: &mut MaySleep, amount: u32) {
        self.state
            .lock_in(cx)
            .as_mut()
            .project()
            .credits
            .update(|credits| *credits += amount);
    }

    pub(crate) fn credits(&self, cx: &mut MaySleep) -> u32 {
        *self.state.lock_in(cx).credits
    }
}

#[pin_data]
pub(crate) struct Flag {
    #[pin]
    pub(crate) set: Event<bool>,
}
