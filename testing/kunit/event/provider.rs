// SPDX-License-Identifier: GPL-2.0

//! When whoever provides for an event is gone, nobody waits for it.

use super::gate::{
    code,
    deadline,
    until,
    CLOSED,
    PENDING, //
};
use baton::{
    event::{
        Provider,
        Uninterruptible, //
    },
    new_event,
    owner,
    Event,
    LockIn,
    MaySleep,
    Thread, //
};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        SpinLock, //
    },
};

#[pin_data]
struct Log {
    #[pin]
    state: SpinLock<State>,
    ended: Atomic<u32>,
}

#[pin_data]
struct State {
    #[pin]
    written: Event<bool>,
}

impl Log {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                state <- new_spinlock!(pin_init!(State { written <- new_event!(false) })),
                ended: Atomic::new(PENDING),
            }),
            GFP_KERNEL,
        )
    }

    fn provider(self: &Arc<Self>, cx: &mut MaySleep) -> Result<Provider> {
        Provider::new(cx, c"event_provider", self.clone(), |log, cx| log.close(cx))
    }

    fn close(&self, cx: &mut MaySleep) {
        self.state.lock_in(cx).as_mut().project().written.close();
    }

    /// Starts a waiter, and returns once it waits.
    fn start_waiter(self: &Arc<Self>, cx: &mut MaySleep) -> Result<Thread> {
        let log = self.clone();
        let thread = Thread::spawn(cx, c"event_waiter", move |cx, _| {
            let held = log.state.lock_in(cx);
            let written = held.on(|s| &s.written).until(|written| *written);
            log.ended
                .store(code(written.wait(Uninterruptible).map(|()| 1)), Relaxed);
        })?;
        until(|| self.state.lock_in(cx).written.waiters() == 1)?;
        Ok(thread)
    }

    /// Joins the waiter; returns how its wait has ended.
    fn end(&self, cx: &mut MaySleep, waiter: Thread) -> u32 {
        let hung = waiter.join_timeout(cx, deadline());
        if let Err(refused) = hung {
            self.close(cx);
            let _ = refused.object.join(cx);
            return PENDING;
        }
        self.ended.load(Relaxed)
    }
}

#[kunit_tests(baton_event_provider)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_returns_closes_what_it_provides_for() -> Result {
        let cx = &mut MaySleep::assert();
        let log = Log::new()?;
        let provider = log.provider(cx)?;
        let waiter = log.start_waiter(cx)?;
        let writer = Thread::spawn(cx, c"event_writer", move |_, _| drop(provider))?;
        let ended = log.end(cx, waiter);
        let joined = writer.join(cx);
        assert_eq!(ended, CLOSED);
        assert!(joined.is_ok());
        Ok(())
    }

    #[test]
    fn a_thread_that_never_ran_closes_what_it_would_provide_for() -> Result {
        let cx = &mut MaySleep::assert();
        for _ in 0..16 {
            let log = Log::new()?;
            let provider = log.provider(cx)?;
            let waiter = log.start_waiter(cx)?;
            let writer = Thread::spawn(cx, c"event_writer", move |_, stop| {
                let _provider = provider;
                while !stop.requested() {
                    core::hint::spin_loop();
                }
            })?;
            let stopped = writer.stop(cx);
            let ended = log.end(cx, waiter);
            assert!(stopped.is_ok());
            assert_eq!(ended, CLOSED);
        }
        Ok(())
    }

    #[test]
    fn a_provider_is_dropped_with_the_lock_of_its_event_held() -> Result {
        let cx = &mut MaySleep::assert();
        let log = Log::new()?;
        let dropped = owner::dropped();
        let provider = log.provider(cx)?;
        let waiter = log.start_waiter(cx)?;
        let held = log.state.lock_in(cx);
        drop(provider);
        drop(held);
        let ended = log.end(cx, waiter);
        assert_eq!(ended, CLOSED);
        // That is in order.
        assert_eq!(owner::dropped(), dropped);
        Ok(())
    }

    #[test]
    fn a_provider_that_is_closed_closes_at_once() -> Result {
        let cx = &mut MaySleep::assert();
        let log = Log::new()?;
        log.provider(cx)?.close(cx);
        assert!(log.state.lock_in(cx).written.is_closed());
        Ok(())
    }
}
