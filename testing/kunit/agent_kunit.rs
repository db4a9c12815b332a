// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of [`Agent`]: runs that end, are stopped, are frozen, and are told apart.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use baton::{
    agent::{
        Current,
        Operations,
        Run,
        Runs,
        State, //
    },
    event::{
        Idle,
        Interruptible,
        Killable,
        Mode,
        Uninterruptible, //
    },
    level::levels,
    new_event,
    owner,
    Agent,
    Any,
    Event,
    LockIn,
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
    /// Nobody updates it.
    #[pin]
    never: Event<bool, Any, order::State>,
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
    /// Whether a run returns without being asked to.
    leaves: Atomic<bool>,
    /// What else a run does: one of the constants below.
    act: Atomic<u32>,
    /// Whether a run was told to end.
    last_step: Atomic<bool>,
    /// The state after a run was refused to stop itself.
    was_running: Atomic<bool>,
    /// For the runs that end their own agent.
    #[pin]
    agent: Mutex<Option<Agent<Worker>>>,
    begun: Atomic<u32>,
    refused: Atomic<i32>,
}

impl Worker {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                state <- Ordered::new(new_mutex!(pin_init!(Data { runs <- Runs::new(), never <- new_event!(false) }))),
                outer <- Ordered::new(new_mutex!(())),
                obeys: Atomic::new(true),
                leaves: Atomic::new(false),
                act: Atomic::new(OBEY),
                last_step: Atomic::new(false),
                was_running: Atomic::new(false),
                agent <- new_mutex!(None),
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

    fn start_run(&self, cx: &mut MaySleep) -> Option<Run> {
        runs(self.state.lock_in(cx).as_mut()).start().ok()
    }

    fn request_stop(&self, cx: &mut MaySleep) {
        runs(self.state.lock_in(cx).as_mut()).request_stop();
    }

    fn never_waiters(&self, cx: &mut MaySleep) -> usize {
        self.state.lock_in(cx).never.waiters()
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
        let refused = |result: Result| {
            self.refused
                .store(result.map_or_else(|e| e.to_errno(), |()| 0), Relaxed)
        };
        match self.act.load(Relaxed) {
            // ENTRY: none; with `cx` these do not compile, since a run does not stand below itself.
            STOP => {
                let own = &mut MaySleep::assert();
                refused(self.stop(own, Uninterruptible));
                self.was_running
                    .store(self.state(own) == State::Running, Relaxed);
                return;
            }
            RETIRE => {
                let own = &mut MaySleep::assert();
                let agent = self.agent.lock_in(own).take();
                if let Some(Err(e)) = agent.map(|agent| agent.retire(own)) {
                    *self.agent.lock_in(own) = Some(e.object);
                    refused(Err(e.error));
                }
                return;
            }
            DROP => {
                let agent = self.agent.lock_in(&mut MaySleep::assert()).take();
                drop(agent);
            }
            WAIT_IDLE => {
                let held = self.state.lock_in(cx);
                let never = held.on(|data| &data.never).until(|comes| *comes);
                refused(never.wait(Idle).map_err(Into::into));
            }
            WAIT_INTERRUPTIBLE => {
                let held = self.state.lock_in(cx);
                let never = held.on(|data| &data.never).until(|comes| *comes);
                refused(never.wait(Interruptible).map_err(Into::into));
            }
            _ => {}
        }
        while !self.leaves.load(Relaxed) && !current.stop_requested(cx) {
            fsleep(Delta::from_micros(100));
        }
        self.last_step.store(true, Relaxed);
        while !self.obeys.load(Relaxed) {
            fsleep(Delta::from_micros(100));
        }
    }
}

// What a run does before it obeys.
const OBEY: u32 = 0;
const STOP: u32 = 1;
const RETIRE: u32 = 2;
const DROP: u32 = 3;
const WAIT_IDLE: u32 = 4;
const WAIT_INTERRUPTIBLE: u32 = 5;

/// A wait that is sure to end at once, and ends at last if it does not.
fn limited() -> impl Mode {
    Uninterruptible.timeout(msecs_to_jiffies(2000))
}

/// Ends the agent, from outside of its runs.
fn retire(agent: Agent<Worker>, cx: &mut MaySleep) -> Result {
    Ok(agent.retire(cx)?)
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
        retire(agent, cx)?;
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
    fn started_twice_is_one_run() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        {
            // Under the lock, so that it cannot begin in between.
            let mut held = worker.state.lock_in(cx);
            let first = runs(held.as_mut()).start();
            let second = runs(held.as_mut()).start();
            assert!(first.is_ok());
            assert!(second.is_ok());
        }
        let begun = until(|| worker.begun.load(Relaxed) == 1);
        let stopped = worker.stop(cx, limited());
        let again = worker.begun.load(Relaxed);
        retire(agent, cx)?;
        assert!(begun);
        assert_eq!(stopped, Ok(()));
        assert_eq!(again, 1);
        Ok(())
    }

    #[test]
    fn a_start_in_the_last_step_of_a_run_is_one_more() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        worker.obeys.store(false, Relaxed);
        // The run looks at nothing any more.
        worker.request_stop(cx);
        let last = until(|| worker.last_step.load(Relaxed));
        let again = worker.start(cx);
        let requested = worker.state.lock_in(cx).runs.is_requested();
        worker.obeys.store(true, Relaxed);
        let second = until(|| worker.begun.load(Relaxed) == 2);
        retire(agent, cx)?;
        assert!(started.is_ok());
        assert!(last);
        assert!(again.is_ok());
        assert!(requested);
        assert!(second);
        Ok(())
    }

    #[test]
    fn a_start_while_it_runs_is_one_more() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        let again = worker.start(cx);
        let once_more = worker.start(cx);
        worker.leaves.store(true, Relaxed);
        let second = until(|| worker.begun.load(Relaxed) == 2);
        let idle = until(|| worker.state(cx) == State::Idle);
        let begun = worker.begun.load(Relaxed);
        retire(agent, cx)?;
        assert!(started.is_ok());
        assert!(again.is_ok());
        assert!(once_more.is_ok());
        assert!(second);
        assert!(idle);
        assert_eq!(begun, 2);
        Ok(())
    }

    #[test]
    fn a_stop_calls_off_one_more_and_ends_its_waits() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        worker.obeys.store(false, Relaxed);
        let again = worker.start_run(cx);
        worker.request_stop(cx);
        // The one that goes on has not ended.
        let (first, ended) = match again {
            Some(again) => {
                let (held, ended) = worker.state.lock_in(cx).ended(limited(), runs, again);
                (held.runs.state(), ended)
            }
            None => (State::Idle, Err(EINVAL)),
        };
        worker.obeys.store(true, Relaxed);
        let idle = until(|| worker.state(cx) == State::Idle);
        let begun = worker.begun.load(Relaxed);
        // The numbers go on.
        let next = worker.start_run(cx);
        let began = until(|| worker.begun.load(Relaxed) == 2);
        let pending = match next {
            Some(next) => {
                let short = Uninterruptible.timeout(msecs_to_jiffies(20));
                worker.state.lock_in(cx).ended(short, runs, next).1
            }
            None => Err(EINVAL),
        };
        retire(agent, cx)?;
        assert!(started.is_ok());
        assert_eq!(first, State::Stopping);
        assert_eq!(ended, Ok(()));
        assert!(idle);
        assert_eq!(begun, 1);
        assert!(began);
        assert_eq!(pending, Err(ETIMEDOUT));
        Ok(())
    }

    #[test]
    fn a_stopping_run_is_frozen() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        worker.obeys.store(false, Relaxed);
        worker.request_stop(cx);
        let stopping = worker.state(cx);
        runs(worker.state.lock_in(cx).as_mut()).request_freeze();
        let freezing = worker.state(cx);
        worker.obeys.store(true, Relaxed);
        let frozen = until(|| worker.state(cx) == State::Frozen);
        let refused = worker.start(cx);
        retire(agent, cx)?;
        assert!(started.is_ok());
        assert_eq!((stopping, freezing), (State::Stopping, State::Freezing));
        assert!(frozen);
        assert_eq!(refused, Err(State::Frozen));
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
        retire(agent, cx)?;
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
        retire(agent, cx)?;
        assert!(started.is_ok());
        assert_eq!(frozen, Ok(()));
        assert_eq!(refused, Err(State::Frozen));
        assert!(thawed.is_ok());
        assert_eq!(worker.state(cx), State::Retired);
        Ok(())
    }

    #[test]
    fn a_run_that_stops_itself_gets_edeadlk_and_goes_on() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        worker.act.store(STOP, Relaxed);
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        let ended = until(|| worker.state(cx) == State::Idle);
        retire(agent, cx)?;
        assert!(started.is_ok());
        assert!(ended);
        assert_eq!(worker.refused.load(Relaxed), EDEADLK.to_errno());
        // Nothing was asked of the run.
        assert!(worker.was_running.load(Relaxed));
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
        retire(agent, cx)?;
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
        retire(agent, cx)?;
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
        let (freezing, thawed, again) = {
            let mut held = worker.state.lock_in(cx);
            runs(held.as_mut()).request_freeze();
            let freezing = held.runs.state();
            let mut held = held.thaw(runs);
            let thawed = held.runs.state();
            let again = runs(held.as_mut()).start().is_ok();
            (freezing, thawed, again)
        };
        worker.obeys.store(true, Relaxed);
        // The end of that run does not freeze it: somebody has thawed it.
        let second = until(|| worker.begun.load(Relaxed) == 2);
        retire(agent, cx)?;
        assert!(started.is_ok());
        assert_eq!((freezing, thawed), (State::Freezing, State::Stopping));
        assert!(again);
        assert!(second);
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
        retire(agent, cx)?;
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
        retire(agent, cx)?;
        assert!(started.is_ok());
        assert_eq!(result, Ok(()));
        Ok(())
    }

    #[test]
    fn dropping_the_agent_ends_the_run_without_waiting() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        worker.obeys.store(false, Relaxed);
        let reaped = owner::reaped();
        drop(agent);
        // The run is told, and has not ended: nobody has waited for it.
        let told = until(|| worker.last_step.load(Relaxed));
        let early = owner::reaped() > reaped;
        worker.obeys.store(true, Relaxed);
        let ended = until(|| owner::reaped() > reaped);
        assert!(started.is_ok());
        assert!(told);
        assert!(!early);
        assert!(ended);
        // The run and the thread are gone: ours is the only reference left.
        assert!(Arc::into_unique_or_drop(worker).is_some());
        Ok(())
    }

    #[test]
    fn an_agent_that_retires_in_its_own_run_gets_edeadlk() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        *worker.agent.lock_in(cx) = Some(agent);
        worker.act.store(RETIRE, Relaxed);
        let started = worker.begin(cx);
        let ended = until(|| worker.state(cx) == State::Idle);
        let agent = worker.agent.lock_in(cx).take();
        let returned = agent.is_some();
        if let Some(agent) = agent {
            retire(agent, cx)?;
        }
        assert!(started.is_ok());
        assert!(ended);
        assert_eq!(worker.refused.load(Relaxed), EDEADLK.to_errno());
        assert!(returned);
        Ok(())
    }

    #[test]
    fn an_agent_that_is_dropped_in_its_own_run_does_not_hang() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        *worker.agent.lock_in(cx) = Some(agent);
        worker.act.store(DROP, Relaxed);
        let started = worker.begin(cx);
        let retired = until(|| worker.state(cx) == State::Retired);
        assert!(started.is_ok());
        assert!(retired);
        Ok(())
    }

    #[test]
    fn retire_ends_the_wait_for_a_requested_run() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        let theirs = worker.clone();
        let waiter = Thread::spawn(cx, c"agent_kunit", move |cx, _| {
            if let Some(again) = theirs.start_run(cx) {
                let (held, result) = theirs.state.lock_in(cx).ended(limited(), runs, again);
                drop(held);
                theirs
                    .refused
                    .store(result.map_or_else(|e| e.to_errno(), |()| 0), Relaxed);
            }
        })?;
        let waits = until(|| worker.waiters(cx) == 1);
        retire(agent, cx)?;
        let joined = waiter.join_timeout(cx, msecs_to_jiffies(4000)).is_ok();
        assert!(started.is_ok());
        assert!(waits);
        assert!(joined);
        assert_eq!(worker.refused.load(Relaxed), 0);
        assert_eq!(worker.begun.load(Relaxed), 1);
        assert_eq!(worker.state(cx), State::Retired);
        Ok(())
    }

    #[test]
    fn a_stop_ends_the_waits_of_the_run() -> Result {
        let cx = &mut MaySleep::assert();
        for act in [WAIT_IDLE, WAIT_INTERRUPTIBLE] {
            let worker = Worker::new()?;
            let agent = agent(&worker, cx)?;
            worker.act.store(act, Relaxed);
            let started = worker.begin(cx);
            let waits = until(|| worker.never_waiters(cx) == 1);
            let stopped = worker.stop(cx, limited());
            // It waits once more, in the same way, after it was told: that is ended by hand.
            retire(agent, cx)?;
            assert!(started.is_ok());
            assert!(waits);
            assert_eq!(stopped, Ok(()));
            let expected = if act == WAIT_IDLE {
                ESHUTDOWN
            } else {
                ECANCELED
            };
            assert_eq!(worker.refused.load(Relaxed), expected.to_errno());
        }
        Ok(())
    }

    #[test]
    fn the_next_run_waits_as_ever() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        worker.act.store(WAIT_IDLE, Relaxed);
        let started = worker.begin(cx);
        let waits = until(|| worker.never_waiters(cx) == 1);
        let stopped = worker.stop(cx, limited());
        let again = worker.start(cx);
        let waits_again = until(|| worker.never_waiters(cx) == 1);
        fsleep(Delta::from_millis(10));
        let still = worker.never_waiters(cx);
        retire(agent, cx)?;
        assert!(started.is_ok());
        assert!(waits);
        assert_eq!(stopped, Ok(()));
        assert!(again.is_ok());
        assert!(waits_again);
        assert_eq!(still, 1);
        Ok(())
    }

    // On a kernel with lockdep, lockdep-edges.txt says what that has to leave behind.
    #[test]
    fn the_end_of_an_agent_with_a_lock_held_is_told_to_lockdep() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        // A class of its own: another test waits for a run with `outer` held.
        let lock: Pin<KBox<Ordered<order::Outer, Mutex<()>>>> = KBox::pin_init(
            Ordered::new(new_mutex!((), "agent_kunit_retired_under")),
            GFP_KERNEL,
        )?;
        let mut held = lock.lock_in(cx);
        let retired = agent.retire(held.inner().1).is_ok();
        drop(held);
        assert!(retired);
        assert!(Arc::into_unique_or_drop(worker).is_some());
        Ok(())
    }
}
