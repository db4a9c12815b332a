// SPDX-License-Identifier: GPL-2.0

//! Waiting for the end of runs, and the waits of runs.

use super::worker::*;
use baton::{
    agent::State,
    event::{
        Interruptible,
        Killable,
        Mode,
        ModeAt,
        Uninterruptible, //
    },
    MaySleep, Thread,
};
use kernel::{
    prelude::*,
    sync::atomic::Relaxed,
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta, //
    },
};

#[kunit_tests(baton_agent_wait)]
mod tests {
    use super::*;

    #[test]
    fn stop_waits_for_the_end_of_the_run() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        let result = worker.stop(cx, limited());
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
        assert_eq!(worker.stop(cx, limited()), Ok(()));
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
        let same = worker.start_run(cx);
        worker.request_stop(cx);
        // The one that goes on has not ended.
        let (first, ended) = match again {
            Some(again) => {
                let (held, ended) = worker.state.lock_in(cx).ended(limited(), runs, again);
                (held.runs.state(), ended)
            }
            None => (State::Idle, Err(EINVAL)),
        };
        let (held, current) = worker.state.lock_in(cx).observe(runs);
        let still = match current {
            Some(current) => {
                let short = Uninterruptible.timeout(msecs_to_jiffies(20));
                held.ended(short, runs, current).1
            }
            None => {
                drop(held);
                Err(EINVAL)
            }
        };
        worker.obeys.store(true, Relaxed);
        let idle = until(|| worker.state(cx) == State::Idle);
        let begun = worker.begun.load(Relaxed);
        // What was called off is over, also when the one before it has ended.
        let later = match same {
            Some(same) => worker.state.lock_in(cx).ended(limited(), runs, same).1,
            None => Err(EINVAL),
        };
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
        // To wait for the end of a run asks nothing of it.
        let going = worker.state(cx);
        retire(agent, cx)?;
        assert!(started.is_ok());
        assert_eq!(going, State::Running);
        assert_eq!(first, State::Stopping);
        assert_eq!(ended, Ok(()));
        assert_eq!(later, Ok(()));
        assert_eq!(still, Err(ETIMEDOUT));
        assert!(idle);
        assert_eq!(begun, 1);
        assert!(began);
        assert_eq!(pending, Err(ETIMEDOUT));
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
            (held, result) = held.ended(limited(), runs, first);
            if result.is_ok() {
                again = runs(held.as_mut()).start().map(|_| ());
            }
        }
        drop(held);
        let stopped = match stopper
            .join_timeout(cx, msecs_to_jiffies(10_000))
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

    /// The run that goes on is waited for, not the one that would have come after it.
    #[test]
    fn a_stop_waits_for_the_run_that_goes_on_if_there_is_one_more() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        worker.obeys.store(false, Relaxed);
        let again = worker.start(cx);
        let early = worker.stop(cx, Uninterruptible.timeout(msecs_to_jiffies(20)));
        worker.obeys.store(true, Relaxed);
        let late = worker.stop(cx, limited());
        let state = worker.state(cx);
        retire(agent, cx)?;
        assert!(started.is_ok());
        assert!(again.is_ok());
        assert_eq!(early, Err(ETIMEDOUT));
        assert_eq!(late, Ok(()));
        assert_eq!(state, State::Idle);
        assert_eq!(worker.begun.load(Relaxed), 1);
        Ok(())
    }

    #[test]
    fn a_run_that_stops_itself_gets_edeadlk_and_goes_on() -> Result {
        let cx = &mut MaySleep::assert();
        for act in [STOP, FREEZE, ENDED] {
            let worker = Worker::new()?;
            worker.act.store(act, Relaxed);
            let agent = agent(&worker, cx)?;
            let started = worker.begin(cx);
            let ended = until(|| worker.state(cx) == State::Idle);
            retire(agent, cx)?;
            assert!(started.is_ok());
            assert!(ended);
            assert_eq!(worker.refused.load(Relaxed), EDEADLK.to_errno());
            // Nothing was asked of the run.
            assert!(worker.was_running.load(Relaxed));
        }
        Ok(())
    }

    /// Whether a stopper that waits in `mode` gives up when it is given `signal`, and the run goes on.
    fn gives_up<M: ModeAt + Send + 'static>(
        cx: &mut MaySleep,
        mode: M,
        signal: fn(&Thread),
    ) -> Result {
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        let started = worker.begin(cx);
        worker.obeys.store(false, Relaxed);
        let theirs = worker.clone();
        let stopper = Thread::spawn(cx, c"agent_kunit", move |cx, _| {
            let result = theirs.stop(cx, mode);
            theirs
                .refused
                .store(result.map_or_else(|e| e.to_errno(), |()| 0), Relaxed);
        })?;
        let waits = until(|| worker.waiters(cx) == 1);
        signal(&stopper);
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
    fn a_signal_ends_the_wait_and_returns_the_lock() -> Result {
        gives_up(&mut MaySleep::assert(), Interruptible, Thread::interrupt)
    }

    #[test]
    fn a_killed_waiter_gives_up() -> Result {
        gives_up(&mut MaySleep::assert(), Killable, Thread::kill)
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
        let (held, result) = other.state.lock_in(cx).ended(limited(), runs, run);
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
        let (held, result) = worker.state.lock_in(inner).stop(limited(), runs);
        drop(held);
        drop(outer);
        retire(agent, cx)?;
        assert!(started.is_ok());
        assert_eq!(result, Ok(()));
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
        // And is stopped as ever.
        let stopped_again = worker.stop(cx, limited());
        worker.act.store(OBEY, Relaxed);
        let third = worker.start(cx);
        let begun = until(|| worker.begun.load(Relaxed) == 3);
        fsleep(Delta::from_millis(10));
        let state = worker.state(cx);
        retire(agent, cx)?;
        assert!(started.is_ok());
        assert!(waits);
        assert_eq!(stopped, Ok(()));
        assert!(again.is_ok());
        assert!(waits_again);
        assert_eq!(still, 1);
        assert_eq!((stopped_again, third), (Ok(()), Ok(())));
        assert!(begun);
        assert_eq!(state, State::Running);
        Ok(())
    }
}
