// SPDX-License-Identifier: GPL-2.0

//! A run is told that it is to end, and how its waits take that.

use super::worker::*;
use baton::{
    agent::State,
    event::{
        Mode,
        Uninterruptible, //
    },
    registry::{
        self,
        Report, //
    },
    MaySleep,
    Thread, //
};
use kernel::{
    prelude::*,
    sync::atomic::Relaxed, //
};

#[kunit_tests(baton_agent_told)]
mod tests {
    use super::*;

    /// Waits of a run that is to be frozen end as those of one that is stopped.
    #[test]
    fn a_freeze_ends_the_waits_of_the_run() -> Result {
        let cx = &mut MaySleep::assert();
        for act in [WAIT_IDLE, WAIT_INTERRUPTIBLE] {
            let worker = Worker::new()?;
            let agent = agent(&worker, cx)?;
            worker.act.store(act, Relaxed);
            let started = worker.begin(cx);
            let waits = until(|| worker.never_waiters(cx) == 1);
            let (held, frozen) = worker.state.lock_in(cx).freeze(limited(), runs);
            let state = held.runs.state();
            drop(held);
            retire(agent, cx)?;
            assert!(started.is_ok());
            assert!(waits);
            assert_eq!(frozen, Ok(()));
            assert_eq!(state, State::Frozen);
            let expected = if act == WAIT_IDLE {
                ESHUTDOWN
            } else {
                ECANCELED
            };
            assert_eq!(worker.refused.load(Relaxed), expected.to_errno());
        }
        Ok(())
    }

    /// The wish is a state: it is waited for, and seen if it came before.
    #[test]
    fn a_run_waits_for_the_wish_that_it_ends() -> Result {
        let cx = &mut MaySleep::assert();
        for way in 0..3 {
            let worker = Worker::new()?;
            let agent = agent(&worker, cx)?;
            worker.act.store(WAIT_STOP, Relaxed);
            let started = worker.begin(cx);
            // It has waited in vain for a while, and does so again.
            let early = until(|| worker.was_running.load(Relaxed));
            let ended = match way {
                0 => worker.stop(cx, limited()),
                1 => worker.state.lock_in(cx).freeze(limited(), runs).1,
                _ => Ok(()),
            };
            retire(agent, cx)?;
            assert!(started.is_ok());
            assert!(early);
            assert_eq!(ended, Ok(()));
            assert!(worker.last_step.load(Relaxed));
            assert_eq!(worker.refused.load(Relaxed), 0);
        }
        Ok(())
    }

    /// One look tells it of both: that the run is to end, and that its thread is.
    #[test]
    fn a_run_that_was_told_waits_as_ever() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        worker.act.store(WAIT_TOLD, Relaxed);
        registry::switch(cx, true);
        let started = worker.begin(cx);
        worker.request_stop(cx);
        let retirer = Thread::spawn(cx, c"agent_kunit", move |cx, _| {
            let _ = agent.retire(cx);
        })?;
        // It has asked the thread before it sleeps.
        let pid = retirer.task().pid();
        let asked = until(|| {
            let report = Report::new(cx);
            report.is_ok_and(|report| report.sleepers().iter().any(|s| s.pid() == pid))
        });
        worker.leaves.store(true, Relaxed);
        let joined = retirer.join(cx).is_ok();
        registry::switch(cx, false);
        assert!(started.is_ok());
        assert!(asked);
        assert!(joined);
        assert_eq!(worker.state(cx), State::Retired);
        assert!(worker.was_running.load(Relaxed));
        assert_eq!(worker.refused.load(Relaxed), ETIMEDOUT.to_errno());
        Ok(())
    }

    #[test]
    fn a_deferred_stop_ends_no_wait_of_the_run() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        worker.act.store(DEFERRED, Relaxed);
        let started = worker.begin(cx);
        let waits = until(|| worker.never_waiters(cx) == 1);
        let early = worker.stop(cx, Uninterruptible.timeout(2));
        let still = worker.never_waiters(cx);
        worker
            .state
            .lock_in(cx)
            .as_mut()
            .project()
            .never
            .update(|never| *never = true);
        let stopped = until(|| worker.state(cx) == State::Idle);
        retire(agent, cx)?;
        assert!(started.is_ok());
        assert!(waits);
        assert_eq!(early, Err(ETIMEDOUT));
        assert_eq!(still, 1);
        assert!(stopped);
        assert_eq!(worker.refused.load(Relaxed), 0);
        Ok(())
    }

    /// Nobody freezes it here. On a kernel with lockdep, lockdep-edges.txt says what that has to leave behind.
    #[test]
    fn a_run_that_could_have_been_frozen_is_one_still() -> Result {
        let cx = &mut MaySleep::assert();
        let worker = Worker::new()?;
        let agent = agent(&worker, cx)?;
        worker.act.store(MAY_FREEZE, Relaxed);
        let started = worker.begin(cx);
        let looked = until(|| worker.was_running.load(Relaxed));
        let stopped = worker.stop(cx, limited());
        retire(agent, cx)?;
        assert!(started.is_ok());
        assert!(looked);
        assert_eq!(stopped, Ok(()));
        Ok(())
    }
}
