// SPDX-License-Identifier: GPL-2.0

//! An agent whose lock interrupts take, and whose runs wait for work or for their end.

use super::worker::until;
use baton::{
    agent::{
        Current,
        Operations,
        Runs,
        State,
        Wish, //
    },
    event::{
        Either,
        Mode,
        Uninterruptible, //
    },
    level::levels,
    new_event,
    testing,
    Agent,
    Any,
    Event,
    MaySleep,
    Ordered, //
};
use kernel::{
    new_spinlock_irq,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        lock::spinlock::SpinLockIrqBackend,
        Arc,
        SpinLockIrq, //
    },
    time::msecs_to_jiffies,
};

levels! {
    mod order {
        Work needs [State],
        State,
    }
}

#[pin_data]
struct Data {
    #[pin]
    runs: Runs<order::Work, order::State>,
    #[pin]
    jobs: Event<u32, Any, order::State>,
}

#[pin_data]
struct Worker {
    #[pin]
    state: Ordered<order::State, SpinLockIrq<Data>>,
    done: Atomic<u32>,
    wished: Atomic<u32>,
}

impl Worker {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                state <- Ordered::new(new_spinlock_irq!(pin_init!(Data {
                    runs <- Runs::new(),
                    jobs <- new_event!(0),
                }))),
                done: Atomic::new(0),
                wished: Atomic::new(0),
            }? Error),
            GFP_KERNEL,
        )
    }

    /// As an interrupt handler would do it.
    fn submit(&self) -> bool {
        let mut guard = self.state.lock_irq();
        let mut data = guard.as_mut().project();
        data.jobs.as_mut().update(|jobs| *jobs += 1);
        data.runs.start().is_ok()
    }
}

impl Operations for Worker {
    type Level = order::Work;
    type LockLevel = order::State;
    type Data = Data;
    type Backend = SpinLockIrqBackend;

    fn lock(&self) -> &Ordered<order::State, SpinLockIrq<Data>> {
        &self.state
    }

    fn runs(data: Pin<&mut Data>) -> Pin<&mut Runs<order::Work, order::State>> {
        data.project().runs
    }

    fn run(&self, current: &Current<'_, Self>, cx: &mut MaySleep<order::Work>) {
        loop {
            let held = self.state.lock_in(cx);
            let next = held
                .on(|data| &data.jobs)
                .when(|jobs| *jobs > 0, |jobs| *jobs -= 1)
                .or(|data| data.runs.wish())
                .until(Wish::wants_stop)
                .wait(Uninterruptible);
            match next {
                Ok(Either::First(())) => self.done.fetch_add(1, Relaxed),
                Ok(Either::Second(())) | Err(_) => break,
            };
        }
        if !current.stop_requested(cx) {
            return;
        }
        // It is a state: whoever has been told of it finds it again.
        let held = self.state.lock_in(cx);
        let again = held
            .on(|data| &data.jobs)
            .when(|jobs| *jobs > 0, |jobs| *jobs -= 1)
            .or(|data| data.runs.wish())
            .until(Wish::wants_stop)
            .wait(Uninterruptible.timeout(msecs_to_jiffies(10_000)));
        if again == Ok(Either::Second(())) {
            self.wished.fetch_add(1, Relaxed);
        }
    }
}

#[kunit_tests(baton_agent_select)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_started_where_interrupts_are_off() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = Agent::spawn(cx, c"agent_kunit", worker.clone())?;
        let off = testing::any_context(cx);
        let started = worker.submit();
        drop(off);
        let done = until(|| worker.done.load(Relaxed) == 1);
        agent.retire(cx)?;
        assert!(started);
        assert!(done);
        Ok(())
    }

    #[test]
    fn a_run_waits_for_work_or_for_its_end() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = Agent::spawn(cx, c"agent_kunit", worker.clone())?;
        let first = worker.submit();
        let done = until(|| worker.done.load(Relaxed) == 1);
        let second = worker.submit();
        let done_too = until(|| worker.done.load(Relaxed) == 2);
        let waits = until(|| worker.state.lock_irq().jobs.waiters() == 1);
        worker
            .state
            .lock_irq()
            .as_mut()
            .project()
            .runs
            .request_stop();
        // The second one asked for one more run, which is called off.
        let idle = until(|| worker.state.lock_irq().runs.state() == State::Idle);
        let wished = worker.wished.load(Relaxed);
        agent.retire(cx)?;
        assert!(first);
        assert!(second);
        assert!(done);
        assert!(done_too);
        assert!(waits);
        assert!(idle);
        assert_eq!(wished, 1);
        Ok(())
    }
}
