// SPDX-License-Identifier: GPL-2.0

//! How an agent ends.

use super::worker::*;
use baton::{
    agent::State,
    owner,
    LockIn,
    MaySleep,
    Ordered, //
    Thread,
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::Relaxed,
        Arc,
        Mutex, //
    },
    time::msecs_to_jiffies,
};

#[kunit_tests(baton_agent_end)]
mod tests {
    use super::*;

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
        assert!(worker.was_running.load(Relaxed));
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
        let joined = waiter.join_timeout(cx, msecs_to_jiffies(10_000)).is_ok();
        assert!(started.is_ok());
        assert!(waits);
        assert!(joined);
        assert_eq!(worker.refused.load(Relaxed), 0);
        assert_eq!(worker.begun.load(Relaxed), 1);
        assert_eq!(worker.state(cx), State::Retired);
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
