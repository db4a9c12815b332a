// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of [`Agent`]: runs that end, are stopped, are frozen, and are told apart.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use baton::{
    agent::{
        Current,
        Operations,
        Runs,
        State, //
    },
    event::{
        Interruptible,
        Killable,
        Mode,
        Uninterruptible, //
    },
    level::levels,
    Agent,
    MaySleep,
    Ordered, //
    Thread,
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        lock::mutex::MutexBackend,
        Arc,
        Mutex, //
    },
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta, //
    },
};

suite!("agent_kunit", "KUnit suite of baton's agents");

levels! {
    /// What the tests hold, outermost first.
    mod order {
        /// Held around a wait for a run.
        Outer,
        /// A run.
        Work needs [State],
        /// The state of the agent.
        State,
    }
}

#[pin_data]
struct Data {
    #[pin]
    runs: Runs<order::Work, order::State>,
}

fn runs(data: Pin<&mut Data>) -> Pin<&mut Runs<order::Work, order::State>> {
    data.project().runs
}

/// What a run of the tests does, and what came of it.
#[pin_data]
struct Worker {
    #[pin]
    state: Ordered<order::State, Mutex<Data>>,
    #[pin]
    outer: Ordered<order::Outer, Mutex<()>>,
    /// Whether a run ends when it is asked to.
    obeys: Atomic<bool>,
    /// Whether a run stops itself.
    stops_itself: Atomic<bool>,
    begun: Atomic<u32>,
    refused: Atomic<i32>,
}

impl Worker {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                state <- Ordered::new(new_mutex!(pin_init!(Data { runs <- Runs::new() }))),
                outer <- Ordered::new(new_mutex!(())),
                obeys: Atomic::new(true),
                stops_itself: Atomic::new(false),
                begun: Atomic::new(0),
                refused: Atomic::new(0),
            }? Error),
            GFP_KERNEL,
        )
    }

    fn start(&self, cx: &mut MaySleep) -> Result<(), State> {
        let mut held = self.state.lock_in(cx);
        runs(held.as_mut()).start().map(|_| ())
    }

    /// Starts a run, and waits until it has begun.
    fn begin(&self, cx: &mut MaySleep) -> Result<(), State> {
        self.start(cx)?;
        if until(|| self.begun.load(Relaxed) == 1) {
            Ok(())
        } else {
            Err(self.state(cx))
        }
    }

    fn state(&self, cx: &mut MaySleep) -> State {
        self.state.lock_in(cx).runs.state()
    }

    fn waiters(&self, cx: &mut MaySleep) -> usize {
        self.state.lock_in(cx).runs.waiters()
    }

    fn stop(&self, cx: &mut MaySleep, mode: impl Mode) -> Result {
        let (held, result) = self.state.lock_in(cx).stop(mode, runs);
        drop(held);
        result
    }
}

impl Operations for Worker {
    type Level = order::Work;
    type LockLevel = order::State;
    type Data = Data;
    type Backend = MutexBackend;

    fn lock(&self) -> &Ordered<order::State, Mutex<Data>> {
        &self.state
    }

    fn runs(data: Pin<&mut Data>) -> Pin<&mut Runs<order::Work, order::State>> {
        runs(data)
    }

    fn run(&self, current: &Current<'_, Self>, cx: &mut MaySleep<order::Work>) {
        self.begun.fetch_add(1, Relaxed);
        if self.stops_itself.load(Relaxed) {
            // ENTRY: none; with `cx` it does not compile, since a run does not stand below itself.
            let result = self.stop(&mut MaySleep::assert(), Uninterruptible);
            self.refused
                .store(result.map_or_else(|e| e.to_errno(), |()| 0), Relaxed);
            return;
        }
        let _ = current.wait_stop(cx, Uninterruptible);
        while !self.obeys.load(Relaxed) {
            fsleep(Delta::from_micros(100));
        }
    }
}

/// Waits for a state that is sure to come, for two seconds at most.
fn until(mut there: impl FnMut() -> bool) -> bool {
    for _ in 0..20_000 {
        if there() {
            return true;
        }
        fsleep(Delta::from_micros(100));
    }
    false
}

fn agent(worker: &Arc<Worker>, cx: &mut MaySleep) -> Result<Agent<Worker>> {
    Agent::spawn(cx, c"agent_kunit", worker.clone())
}

#[kunit_tests(baton_agent)]
mod tests {
    use super::*;

    #[test]
    fn stop_waits_for_the_end_of_the_run() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        let result = worker.stop(cx, Uninterruptible);
        let state = worker.state(cx);
        let _ = agent.retire(cx);
        assert!(started.is_ok());
        assert_eq!(result, Ok(()));
        assert_eq!(state, State::Idle);
        Ok(())
    }

    #[test]
    fn stop_without_a_run_returns() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        assert_eq!(worker.stop(cx, Uninterruptible), Ok(()));
        Ok(())
    }

    #[test]
    fn a_run_that_has_not_begun_is_called_off() -> Result {
        let cx = &mut MaySleep::assert();
        // There is no agent that could take the request.
        let worker = Worker::new()?;
        assert!(worker.start(cx).is_ok());
        assert_eq!(worker.state(cx), State::Requested);
        assert_eq!(worker.stop(cx, Uninterruptible), Ok(()));
        assert_eq!(worker.state(cx), State::Idle);
        Ok(())
    }

    #[test]
    fn started_twice_is_refused() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        assert!(worker.start(cx).is_ok());
        assert_eq!(worker.start(cx), Err(State::Requested));
        Ok(())
    }

    #[test]
    fn a_stop_waits_for_the_run_that_it_saw() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        worker.obeys.store(false, Relaxed);
        let theirs = worker.clone();
        let stopper = Thread::spawn(cx, c"agent_kunit", move |cx, _| {
            let _ = theirs.stop(cx, Killable);
        })?;
        let waits = until(|| worker.waiters(cx) == 1);
        // The next run begins under the very lock under which the end of the first one is seen.
        let (mut held, first) = worker.state.lock_in(cx).observe(runs);
        worker.obeys.store(true, Relaxed);
        let mut again = Err(State::Running);
        if let Some(first) = first {
            let result;
            (held, result) = held.ended(Uninterruptible, runs, first);
            if result.is_ok() {
                again = runs(held.as_mut()).start().map(|_| ());
            }
        }
        drop(held);
        let stopped = match stopper
            .join_timeout(cx, msecs_to_jiffies(2000))
            .map_err(|refused| refused.object)
        {
            Ok(()) => true,
            Err(thread) => {
                thread.kill();
                let _ = thread.join(cx);
                false
            }
        };
        let second = until(|| worker.begun.load(Relaxed) == 2);
        let state = worker.state(cx);
        let _ = agent.retire(cx);
        assert!(started.is_ok());
        assert!(waits);
        assert_eq!(again, Ok(()));
        assert!(stopped);
        assert!(second);
        assert_eq!(state, State::Running);
        Ok(())
    }

    #[test]
    fn a_frozen_agent_does_not_start_until_it_is_thawed() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        let (held, frozen) = worker.state.lock_in(cx).freeze(Uninterruptible, runs);
        drop(held);
        let refused = worker.start(cx);
        drop(worker.state.lock_in(cx).thaw(runs));
        let thawed = worker.start(cx);
        let _ = agent.retire(cx);
        assert!(started.is_ok());
        assert_eq!(frozen, Ok(()));
        assert_eq!(refused, Err(State::Frozen));
        assert!(thawed.is_ok());
        assert_eq!(worker.state(cx), State::Retired);
        Ok(())
    }

    #[test]
    fn a_run_that_stops_itself_gets_edeadlk() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        worker.stops_itself.store(true, Relaxed);
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        let ended = until(|| worker.state(cx) == State::Idle);
        let _ = agent.retire(cx);
        assert!(started.is_ok());
        assert!(ended);
        assert_eq!(worker.refused.load(Relaxed), EDEADLK.to_errno());
        Ok(())
    }

    #[test]
    fn a_signal_ends_the_wait_and_returns_the_lock() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        worker.obeys.store(false, Relaxed);
        let theirs = worker.clone();
        let stopper = Thread::spawn(cx, c"agent_kunit", move |cx, _| {
            let result = theirs.stop(cx, Interruptible);
            theirs
                .refused
                .store(result.map_or_else(|e| e.to_errno(), |()| 0), Relaxed);
        })?;
        let waits = until(|| worker.waiters(cx) == 1);
        stopper.interrupt();
        let _ = stopper.join(cx);
        let state = worker.state(cx);
        worker.obeys.store(true, Relaxed);
        let _ = agent.retire(cx);
        assert!(started.is_ok());
        assert!(waits);
        assert_eq!(worker.refused.load(Relaxed), ERESTARTSYS.to_errno());
        assert_eq!(state, State::Stopping);
        Ok(())
    }

    #[test]
    fn a_killed_waiter_gives_up() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        worker.obeys.store(false, Relaxed);
        let theirs = worker.clone();
        let stopper = Thread::spawn(cx, c"agent_kunit", move |cx, _| {
            let result = theirs.stop(cx, Killable);
            theirs
                .refused
                .store(result.map_or_else(|e| e.to_errno(), |()| 0), Relaxed);
        })?;
        let waits = until(|| worker.waiters(cx) == 1);
        stopper.kill();
        let _ = stopper.join(cx);
        worker.obeys.store(true, Relaxed);
        let _ = agent.retire(cx);
        assert!(started.is_ok());
        assert!(waits);
        assert_eq!(worker.refused.load(Relaxed), ERESTARTSYS.to_errno());
        Ok(())
    }

    #[test]
    fn a_thaw_while_it_freezes_leaves_it_ending() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        worker.obeys.store(false, Relaxed);
        let (freezing, thawed, refused) = {
            let mut held = worker.state.lock_in(cx);
            runs(held.as_mut()).request_freeze();
            let freezing = held.runs.state();
            let mut held = held.thaw(runs);
            let thawed = held.runs.state();
            let refused = runs(held.as_mut()).start().err();
            (freezing, thawed, refused)
        };
        worker.obeys.store(true, Relaxed);
        let idle = until(|| worker.state(cx) == State::Idle);
        let again = worker.start(cx);
        let _ = agent.retire(cx);
        assert!(started.is_ok());
        assert_eq!((freezing, thawed), (State::Freezing, State::Stopping));
        assert_eq!(refused, Some(State::Stopping));
        // The end of that run does not freeze it: somebody has thawed it.
        assert!(idle);
        assert!(again.is_ok());
        Ok(())
    }

    #[test]
    fn the_time_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        worker.obeys.store(false, Relaxed);
        let result = worker.stop(cx, Uninterruptible.timeout(msecs_to_jiffies(10)));
        worker.obeys.store(true, Relaxed);
        let _ = agent.retire(cx);
        assert!(started.is_ok());
        assert_eq!(result, Err(ETIMEDOUT));
        Ok(())
    }

    #[test]
    fn a_run_of_another_agent_is_refused() -> Result {
        let cx = &mut MaySleep::assert();
        let (one, other) = (Worker::new()?, Worker::new()?);
        assert!(one.start(cx).is_ok());
        let (held, run) = one.state.lock_in(cx).observe(runs);
        drop(held);
        let Some(run) = run else { return Err(EINVAL) };
        let (held, result) = other.state.lock_in(cx).ended(Uninterruptible, runs, run);
        drop(held);
        assert_eq!(result, Err(EINVAL));
        Ok(())
    }

    #[test]
    fn a_stop_can_hold_what_stands_above_the_run() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        let mut outer = worker.outer.lock_in(cx);
        let (_, inner) = outer.inner();
        let (held, result) = worker.state.lock_in(inner).stop(Uninterruptible, runs);
        drop(held);
        drop(outer);
        let _ = agent.retire(cx);
        assert!(started.is_ok());
        assert_eq!(result, Ok(()));
        Ok(())
    }

    #[test]
    fn dropping_the_agent_ends_the_run() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        let begun = until(|| worker.begun.load(Relaxed) == 1);
        drop(agent);
        assert!(started.is_ok());
        assert!(begun);
        // The run and the thread are gone: ours is the only reference left.
        assert!(Arc::into_unique_or_drop(worker).is_some());
        Ok(())
    }

    // On a kernel with lockdep, lockdep-edges.txt says what that has to leave behind.
    #[test]
    fn a_drop_with_a_lock_held_is_told_to_lockdep() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        // A class of its own: another test waits for a run with `outer` held.
        let lock: Pin<KBox<Ordered<order::Outer, Mutex<()>>>> = KBox::pin_init(
            Ordered::new(new_mutex!((), "agent_kunit_dropped_under")),
            GFP_KERNEL,
        )?;
        let held = lock.lock_in(cx);
        drop(agent);
        drop(held);
        assert!(Arc::into_unique_or_drop(worker).is_some());
        Ok(())
    }
}
