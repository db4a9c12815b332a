// SPDX-License-Identifier: GPL-2.0

//! Runs that are asked for, called off and frozen.

use super::worker::*;
use baton::{
    agent::{
        Run,
        State, //
    },
    MaySleep, //
};
use kernel::{
    prelude::*,
    str::CString,
    sync::atomic::Relaxed, //
};

fn shown(run: &Run) -> Result<CString> {
    CString::try_from_fmt(fmt!("{run:?}"))
}

#[kunit_tests(baton_agent_run)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_has_not_begun_is_called_off() -> Result {
        let cx = &mut MaySleep::assert();
        // There is no agent that could take the request.
        let worker = Worker::new()?;
        assert!(worker.start(cx).is_ok());
        assert_eq!(worker.state(cx), State::Requested);
        assert_eq!(worker.stop(cx, limited()), Ok(()));
        assert_eq!(worker.state(cx), State::Idle);
        Ok(())
    }

    #[test]
    fn started_twice_is_one_run() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        // There is no agent yet: one that waits for a request begins it in the first call.
        let (first, second) = (worker.start_run(cx), worker.start_run(cx));
        let (Some(first), Some(second)) = (first, second) else {
            return Err(EINVAL);
        };
        // A run cannot be compared, but for what it is shown as.
        let same = shown(&first)?.to_bytes() == shown(&second)?.to_bytes();
        let agent = agent(&worker, cx)?;
        let begun = until(|| worker.begun.load(Relaxed) == 1);
        let stopped = worker.stop(cx, limited());
        let again = worker.begun.load(Relaxed);
        retire(agent, cx)?;
        assert!(same);
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

    /// There is no run whose end would have to be waited for.
    #[test]
    fn an_idle_agent_and_a_requested_run_are_frozen() -> Result {
        let cx = &mut MaySleep::assert();
        // There is no agent that could take the request.
        let worker = Worker::new()?;
        let (held, idle) = worker.state.lock_in(cx).freeze(limited(), runs);
        let first = held.runs.state();
        drop(held.thaw(runs));
        let started = worker.start(cx);
        let (held, requested) = worker.state.lock_in(cx).freeze(limited(), runs);
        let second = held.runs.state();
        let left = held.runs.is_requested();
        let held = held.thaw(runs);
        let thawed = held.runs.state();
        // Of one that is not frozen nothing changes.
        let again = held.thaw(runs).runs.state();
        assert_eq!(idle, Ok(()));
        assert_eq!(started, Ok(()));
        assert_eq!(requested, Ok(()));
        assert_eq!((first, second), (State::Frozen, State::Frozen));
        assert!(!left);
        assert_eq!((thawed, again), (State::Idle, State::Idle));
        Ok(())
    }

    /// Why it is refused is said.
    #[test]
    fn what_cannot_be_started_says_why() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        worker.obeys.store(false, Relaxed);
        runs(worker.state.lock_in(cx).as_mut()).request_freeze();
        let freezing = worker.start(cx);
        // What was frozen does not become less of it by a stop.
        worker.request_stop(cx);
        let still = worker.state(cx);
        worker.obeys.store(true, Relaxed);
        let frozen = until(|| worker.state(cx) == State::Frozen);
        worker.request_stop(cx);
        let refused = worker.start(cx);
        retire(agent, cx)?;
        let retired = worker.start(cx);
        // Neither does this bring it back.
        drop(worker.state.lock_in(cx).thaw(runs));
        runs(worker.state.lock_in(cx).as_mut()).request_freeze();
        let gone = worker.state(cx);
        assert_eq!(started, Ok(()));
        assert_eq!(freezing, Err(State::Freezing));
        assert_eq!(still, State::Freezing);
        assert!(frozen);
        assert_eq!(refused, Err(State::Frozen));
        assert_eq!(retired, Err(State::Retired));
        assert_eq!(gone, State::Retired);
        assert_eq!(worker.begun.load(Relaxed), 1);
        Ok(())
    }

    #[test]
    fn a_frozen_agent_does_not_start_until_it_is_thawed() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        let (held, frozen) = worker.state.lock_in(cx).freeze(limited(), runs);
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
}
