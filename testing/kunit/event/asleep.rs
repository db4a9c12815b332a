// SPDX-License-Identifier: GPL-2.0

//! How a waiter sleeps: in which state, until when, and what cannot wake it.

use super::gate::{
    deadline,
    take,
    until,
    Gate,
    PENDING,
    SERVED, //
};
use baton::{
    event::{
        Idle,
        Interruptible,
        Io,
        Killable,
        Mode,
        ModeAt,
        Uninterruptible, //
    },
    registry::{
        self,
        Report, //
    },
    testing::{
        self,
        Wakes, //
    },
    Any,
    Fifo,
    LockIn,
    MaySleep,
    Thread,
    WaitError, //
};
use kernel::{
    prelude::*,
    sync::Arc,
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta,
        Instant,
        Jiffies,
        Monotonic, //
    },
};

/// The letter that `ps` shows, and whether the task waits for I/O; if it is asleep.
fn state(cx: &mut MaySleep, thread: &Thread) -> Option<(char, bool)> {
    let report = Report::new(cx).ok()?;
    let pid = thread.task().pid();
    let sleeper = report.sleepers().iter().find(|s| s.pid() == pid)?;
    Some((sleeper.state(), sleeper.waits_for_io()))
}

/// Starts a waiter in `mode`; returns how it sleeps, at last in the state `wanted`.
fn sleeps<M>(cx: &mut MaySleep, mode: M, wanted: (char, bool)) -> Result<Option<(char, bool)>>
where
    M: ModeAt + Send + 'static,
    M::Error: Into<WaitError>,
{
    let gate = Gate::<Any>::new()?;
    let waiter = gate.start(cx, 0, 1, mode)?;
    let mut seen = None;
    let _ = until(|| {
        seen = state(cx, &waiter);
        seen == Some(wanted)
    });
    gate.add(cx, 1);
    gate.join(cx, [waiter])?;
    Ok(seen)
}

/// Serves a waiter that something else has woken, and tells it late. Returns how it has slept meanwhile,
/// looked at 20 times with a `pause` before each.
///
/// # Errors
///
/// `EAGAIN` if the wait had ended before it could be served.
fn served_and_told_late<M>(
    cx: &mut MaySleep,
    gate: &Arc<Gate<Any>>,
    mode: M,
    disturb: impl FnOnce(&Thread),
    pause: Delta,
) -> Result<[Option<(char, bool)>; 20]>
where
    M: ModeAt + Send + 'static,
    M::Error: Into<WaitError>,
{
    let waiter = gate.start(cx, 0, 1, mode)?;
    let mut held = gate.state.lock_in(cx);
    if held.credits.waiters() == 0 {
        drop(held);
        gate.join(cx, [waiter])?;
        return Err(EAGAIN);
    }
    held.update(|s| s.project().credits, |credits| *credits += 1);
    disturb(&waiter);
    let untold = held.unlock_untold();
    // It looks whether it may give up, and has to stay.
    let _ = until(|| state(cx, &waiter) == Some(('D', false)));
    let mut seen = [None; 20];
    for seen in &mut seen {
        fsleep(pause);
        *seen = state(cx, &waiter);
    }
    drop(untold);
    gate.join(cx, [waiter])?;
    Ok(seen)
}

#[kunit_tests(baton_event_asleep)]
mod tests {
    use super::*;

    /// Those who were served do not wait for who has served them to be scheduled again. On `PREEMPT_RT`
    /// preemption is off for no longer than one of them takes.
    #[test]
    fn preemption_is_off_until_all_are_told() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Any>::new()?;
        let first = gate.start(cx, 0, 1, Uninterruptible)?;
        let second = gate.start(cx, 1, 1, Uninterruptible)?;
        let third = gate.start(cx, 2, 1, Uninterruptible)?;
        let ((), seen) = testing::wakes(cx, |cx| {
            let mut held = gate.state.lock_in(cx);
            held.update(|s| s.project().credits, |credits| *credits += 3);
        });
        gate.join(cx, [first, second, third])?;
        let wanted = Wakes {
            all: 3,
            not_preemptible: if cfg!(CONFIG_PREEMPT_RT) { 0 } else { 3 },
        };
        assert_eq!(seen, cfg!(CONFIG_TRACEPOINTS).then_some(wanted));
        Ok(())
    }

    #[test]
    fn who_is_about_to_sleep_says_so_to_the_scheduler() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Any>::new()?;
        let sync = |cx: &mut MaySleep, amount| {
            let mut held = gate.state.lock_in(cx);
            held.as_mut()
                .project()
                .credits
                .update_sync(|credits| *credits += amount);
        };
        let ((), nobody) = testing::sync_wakes(cx, |cx| sync(cx, 0));
        let only = gate.start(cx, 0, 1, Uninterruptible)?;
        let ((), one) = testing::sync_wakes(cx, |cx| sync(cx, 1));
        gate.join(cx, [only])?;
        let first = gate.start(cx, 1, 1, Uninterruptible)?;
        let second = gate.start(cx, 2, 1, Uninterruptible)?;
        let ((), two) = testing::sync_wakes(cx, |cx| sync(cx, 2));
        gate.join(cx, [first, second])?;
        let last = gate.start(cx, 3, 1, Uninterruptible)?;
        let ((), plain) = testing::sync_wakes(cx, |cx| {
            let mut held = gate.state.lock_in(cx);
            held.as_mut()
                .project()
                .credits
                .update(|credits| *credits += 1);
        });
        gate.join(cx, [last])?;
        for id in 0..4 {
            assert_eq!(gate.ended(id), SERVED);
        }
        assert_eq!(
            (nobody, one, two, plain),
            (Some(0), Some(1), Some(2), Some(0))
        );
        Ok(())
    }

    #[test]
    fn a_waiter_sleeps_in_the_state_of_its_mode() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let uninterruptible = sleeps(cx, Uninterruptible, ('D', false));
        let interruptible = sleeps(cx, Interruptible, ('S', false));
        let killable = sleeps(cx, Killable, ('D', false));
        let io = sleeps(cx, Io, ('D', true));
        let idle = sleeps(cx, Idle, ('I', false));
        let io_limited = sleeps(cx, Io.timeout(deadline()), ('D', true));
        let idle_limited = sleeps(cx, Idle.timeout(deadline()), ('I', false));
        let io_timed = sleeps(cx, Io.timeout(Delta::from_secs(10)), ('D', true));
        let io_killed = sleeps(cx, Killable.io(), ('D', true));
        let io_interrupted = sleeps(cx, Interruptible.timeout(deadline()).io(), ('S', true));
        let idle_timed = sleeps(cx, Idle.timeout(Delta::from_secs(10)), ('I', false));
        registry::switch(cx, false);
        assert_eq!(uninterruptible, Ok(Some(('D', false))));
        assert_eq!(interruptible, Ok(Some(('S', false))));
        assert_eq!(killable, Ok(Some(('D', false))));
        assert_eq!(io, Ok(Some(('D', true))));
        assert_eq!(idle, Ok(Some(('I', false))));
        assert_eq!(io_limited, Ok(Some(('D', true))));
        assert_eq!(idle_limited, Ok(Some(('I', false))));
        assert_eq!(io_timed, Ok(Some(('D', true))));
        assert_eq!(io_killed, Ok(Some(('D', true))));
        assert_eq!(io_interrupted, Ok(Some(('S', true))));
        assert_eq!(idle_timed, Ok(Some(('I', false))));
        Ok(())
    }

    /// Whoever was served stays until it is told, and sleeps meanwhile, whatever has woken it.
    #[test]
    fn who_was_served_sleeps_until_it_is_told() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let gate = Gate::<Any>::new()?;
        let pause = Delta::from_millis(2);
        let signalled = served_and_told_late(cx, &gate, Interruptible, Thread::interrupt, pause);
        let first = gate.ended(0);
        let killed = served_and_told_late(cx, &gate, Killable, Thread::kill, pause);
        let second = gate.ended(0);
        let stopped = served_and_told_late(cx, &gate, Idle, Thread::request_stop, pause);
        let third = gate.ended(0);
        // First the signal, and then the time.
        let mut late = Err(EAGAIN);
        let mut fourth = PENDING;
        // A machine that is busy may be too late to serve it.
        for _ in 0..20 {
            let gate = Gate::<Any>::new()?;
            let both = Interruptible.timeout(msecs_to_jiffies(200));
            let pause = Delta::from_millis(15);
            late = served_and_told_late(cx, &gate, both, Thread::interrupt, pause);
            fourth = gate.ended(0);
            if late.is_ok() {
                break;
            }
        }
        registry::switch(cx, false);
        let asleep = [Some(('D', false)); 20];
        assert_eq!(signalled, Ok(asleep));
        assert_eq!(killed, Ok(asleep));
        assert_eq!(stopped, Ok(asleep));
        assert_eq!(late, Ok(asleep));
        assert_eq!([first, second, third, fourth], [SERVED; 4]);
        assert_eq!(gate.credits(cx), 0);
        Ok(())
    }

    /// The shorter one of two limits is that of the wait.
    #[test]
    fn a_limit_of_a_limit_does_not_lengthen_it() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let theirs = gate.clone();
        // Serves a wait that goes on for much longer than it may.
        let server = Thread::spawn(cx, c"event_server", move |cx, _| {
            let start = Instant::<Monotonic>::now();
            let _ = until(|| theirs.ended(1) != PENDING || start.elapsed().as_millis() > 5_000);
            theirs.add(cx, 2);
        })?;
        let short = gate
            .state
            .lock_in(cx)
            .on(|s| &s.credits)
            .claim(take(1))
            .wait(Uninterruptible.timeout(1).timeout(deadline()));
        let long = gate
            .state
            .lock_in(cx)
            .on(|s| &s.credits)
            .claim(take(1))
            .wait(Uninterruptible.timeout(deadline()).timeout(1));
        gate.end(1);
        gate.join(cx, [server])?;
        assert_eq!(short, Err(WaitError::TimedOut));
        assert_eq!(long, Err(WaitError::TimedOut));
        Ok(())
    }

    /// A limit that does not fit is longer than the machine will run.
    #[test]
    fn a_limit_that_does_not_fit_is_none() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let waiter = gate.start(cx, 0, 1, Uninterruptible.timeout(Jiffies::MAX))?;
        gate.add(cx, 1);
        gate.join(cx, [waiter])?;
        assert_eq!(gate.ended(0), SERVED);
        Ok(())
    }

    /// A wait that has no time left looks once, and does not sleep.
    #[test]
    fn a_limit_of_nothing_looks_once() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let wait = |cx: &mut MaySleep| {
            let on = gate.state.lock_in(cx).on(|s| &s.credits);
            on.claim(take(1)).wait(Uninterruptible.timeout(0))
        };
        let without = wait(cx);
        gate.add(cx, 1);
        let with = wait(cx);
        assert_eq!(without, Err(WaitError::TimedOut));
        assert_eq!(with, Ok(1));
        assert_eq!(gate.state.lock_in(cx).credits.waiters(), 0);
        Ok(())
    }
}
