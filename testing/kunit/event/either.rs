// SPDX-License-Identifier: GPL-2.0

//! One wait for either of two events of one lock: "work or stop".

use super::gate::{
    deadline,
    until, //
};
use baton::{
    event::{
        when,
        Claim,
        Idle,
        Interruptible,
        Mode,
        ModeAt, //
    },
    new_event,
    Either,
    Event,
    Fifo,
    LockIn,
    MaySleep,
    Thread,
    WaitError, //
};
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
};

/// What a worker waits for.
#[pin_data]
struct Jobs {
    #[pin]
    work: Event<u32, Fifo>,
    #[pin]
    stop: Event<bool>,
    /// What the wait has returned.
    got: Got,
}

/// How a wait has ended, if it has.
type Got = Option<Result<Either<u32, ()>, WaitError>>;

type Lock = Arc<Mutex<Jobs>>;

fn jobs() -> Result<Lock> {
    Arc::pin_init(
        new_mutex!(pin_init!(Jobs {
            work <- new_event!(0),
            stop <- new_event!(false),
            got: None,
        })),
        GFP_KERNEL,
    )
}

/// Takes all work that there is, or returns because there will be none.
fn work_or_stop<M: ModeAt>(
    lock: &Lock,
    cx: &mut MaySleep,
    mode: M,
) -> Result<Either<u32, ()>, M::Error> {
    lock.lock_in(cx)
        .on(|jobs| &jobs.work)
        .when(|work| *work > 0, core::mem::take)
        .or(|jobs| &jobs.stop)
        .until(|stop| *stop)
        .wait(mode)
}

/// Takes all work if there is more than that.
fn more_than(limit: u32) -> impl Claim<u32, Output = u32> {
    when(move |work: &u32| *work > limit, core::mem::take)
}

/// Starts a worker, returns once it sleeps.
fn start<M>(cx: &mut MaySleep, lock: &Lock, mode: M) -> Result<Thread>
where
    M: ModeAt + Send + 'static,
    M::Error: Into<WaitError>,
{
    let theirs = lock.clone();
    let thread = Thread::spawn(cx, c"event_waiter", move |cx, _| {
        let got = work_or_stop(&theirs, cx, mode).map_err(Into::into);
        *theirs.lock_in(cx).as_mut().project().got = Some(got);
    })?;
    until(|| waiters(lock, cx) == [1, 1])?;
    Ok(thread)
}

/// One waits for more work than there is, or for the stop; another one, behind it, for what there is. Returns
/// whether that one is served when the first leaves, because of what `leave` does.
fn passes_when(cx: &mut MaySleep, leave: impl Fn(&mut MaySleep, &Lock, &Thread)) -> Result<bool> {
    for first in [true, false] {
        let lock = jobs()?;
        lock.lock_in(cx)
            .as_mut()
            .project()
            .work
            .update(|work| *work = 1);
        let theirs = lock.clone();
        let large = Thread::spawn(cx, c"event_waiter", move |cx, _| {
            let held = theirs.lock_in(cx);
            if first {
                let work = held.on(|jobs| &jobs.work).claim(more_than(1));
                let wait = work.or(|jobs| &jobs.stop).until(|stop| *stop);
                let _ = wait.wait(Interruptible);
            } else {
                let stop = held.on(|jobs| &jobs.stop).until(|stop| *stop);
                let wait = stop.or(|jobs| &jobs.work).claim(more_than(1));
                let _ = wait.wait(Interruptible);
            }
        })?;
        let asleep = until(|| waiters(&lock, cx) == [1, 1]);
        let theirs = lock.clone();
        let small = Thread::spawn(cx, c"event_waiter", move |cx, _| {
            let held = theirs.lock_in(cx);
            let work = held.on(|jobs| &jobs.work).claim(more_than(0));
            let got = work.wait(Idle).map(Either::First);
            *theirs.lock_in(cx).as_mut().project().got = Some(got.map_err(Into::into));
        })?;
        let behind = until(|| waiters(&lock, cx) == [2, 1]);
        leave(cx, &lock, &large);
        let passed = until(|| lock.lock_in(cx).got.is_some());
        lock.lock_in(cx).as_mut().project().work.close();
        let joined = large.join(cx).is_ok() && small.join(cx).is_ok();
        asleep?;
        behind?;
        if passed.is_err() || !joined || lock.lock_in(cx).got != Some(Ok(Either::First(1))) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns how many wait for work, and for the stop.
fn waiters(lock: &Lock, cx: &mut MaySleep) -> [usize; 2] {
    let held = lock.lock_in(cx);
    [held.work.waiters(), held.stop.waiters()]
}

/// Joins the worker, returns what it got and who waits then.
fn end(cx: &mut MaySleep, lock: &Lock, thread: Thread) -> (Got, [usize; 2]) {
    let left = waiters(lock, cx);
    if let Err(thread) = thread
        .join_timeout(cx, deadline())
        .map_err(|refused| refused.object)
    {
        pr_err!("a worker sleeps that was to end\n");
        lock.lock_in(cx).as_mut().project().work.close();
        let _ = thread.join(cx);
    }
    (lock.lock_in(cx).got, left)
}

#[kunit_tests(baton_event_either)]
mod tests {
    use super::*;

    #[test]
    fn the_first_event_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let lock = jobs()?;
        let thread = start(cx, &lock, Idle)?;
        lock.lock_in(cx)
            .as_mut()
            .project()
            .work
            .update(|work| *work = 3);
        let (got, left) = end(cx, &lock, thread);
        assert_eq!(got, Some(Ok(Either::First(3))));
        // It is off both lists as soon as it is served.
        assert_eq!(left, [0, 0]);
        Ok(())
    }

    #[test]
    fn the_second_event_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let lock = jobs()?;
        let thread = start(cx, &lock, Idle)?;
        lock.lock_in(cx)
            .as_mut()
            .project()
            .stop
            .update(|stop| *stop = true);
        let (got, left) = end(cx, &lock, thread);
        assert_eq!(got, Some(Ok(Either::Second(()))));
        assert_eq!(left, [0, 0]);
        Ok(())
    }

    #[test]
    fn both_under_one_lock_serve_once() -> Result {
        let cx = &mut MaySleep::assert();
        let lock = jobs()?;
        let thread = start(cx, &lock, Idle)?;
        let mut held = lock.lock_in(cx);
        held.update(|jobs| jobs.project().stop, |stop| *stop = true);
        held.update(|jobs| jobs.project().work, |work| *work = 3);
        let kept = *held.work;
        drop(held);
        let (got, _) = end(cx, &lock, thread);
        assert_eq!(got, Some(Ok(Either::Second(()))));
        assert_eq!(kept, 3);
        Ok(())
    }

    #[test]
    fn what_is_named_first_is_tried_first() -> Result {
        let cx = &mut MaySleep::assert();
        let lock = jobs()?;
        lock.lock_in(cx)
            .as_mut()
            .project()
            .work
            .update(|work| *work = 3);
        lock.lock_in(cx)
            .as_mut()
            .project()
            .stop
            .update(|stop| *stop = true);
        let first = work_or_stop(&lock, cx, Idle.timeout(deadline()));
        let then = work_or_stop(&lock, cx, Idle.timeout(deadline()));
        assert_eq!(first, Ok(Either::First(3)));
        assert_eq!(then, Ok(Either::Second(())));
        Ok(())
    }

    #[test]
    fn closing_either_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        for first in [true, false] {
            let lock = jobs()?;
            let thread = start(cx, &lock, Idle)?;
            let mut held = lock.lock_in(cx);
            let jobs = held.as_mut().project();
            if first {
                jobs.work.close();
            } else {
                jobs.stop.close();
            }
            drop(held);
            let (got, left) = end(cx, &lock, thread);
            let later = work_or_stop(&lock, cx, Idle.timeout(deadline()));
            assert_eq!(got, Some(Err(WaitError::Closed)));
            assert_eq!(left, [0, 0]);
            assert_eq!(later, Err(WaitError::Closed));
        }
        Ok(())
    }

    #[test]
    fn a_signal_takes_it_off_both_lists() -> Result {
        let cx = &mut MaySleep::assert();
        let lock = jobs()?;
        let thread = start(cx, &lock, Interruptible)?;
        thread.interrupt();
        let (got, _) = end(cx, &lock, thread);
        let left = waiters(&lock, cx);
        assert_eq!(got, Some(Err(WaitError::Signal)));
        assert_eq!(left, [0, 0]);
        Ok(())
    }

    #[test]
    fn the_end_of_the_time_takes_it_off_both_lists() -> Result {
        let cx = &mut MaySleep::assert();
        let lock = jobs()?;
        let got = work_or_stop(&lock, cx, Idle.timeout(1));
        assert_eq!(got, Err(WaitError::TimedOut));
        assert_eq!(waiters(&lock, cx), [0, 0]);
        Ok(())
    }

    /// Whoever is behind it on either list goes on when it withdraws.
    #[test]
    fn a_departure_lets_those_behind_it_pass() -> Result {
        let cx = &mut MaySleep::assert();
        assert!(passes_when(cx, |_, _, large| large.interrupt())?);
        Ok(())
    }

    #[test]
    fn who_is_served_elsewhere_lets_those_behind_it_pass() -> Result {
        let cx = &mut MaySleep::assert();
        assert!(passes_when(cx, |cx, lock, _| {
            let mut held = lock.lock_in(cx);
            held.as_mut().project().stop.update(|stop| *stop = true);
        })?);
        assert!(passes_when(cx, |cx, lock, _| {
            let mut held = lock.lock_in(cx);
            held.update(|jobs| jobs.project().stop, |stop| *stop = true);
        })?);
        assert!(passes_when(cx, |cx, lock, _| {
            lock.lock_in(cx).as_mut().project().stop.close();
        })?);
        assert!(passes_when(cx, |cx, lock, _| {
            lock.lock_in(cx).as_mut().project().stop.end_waits();
        })?);
        Ok(())
    }

    /// One event can be waited for with two claims.
    #[test]
    fn twice_on_one_event() -> Result {
        let cx = &mut MaySleep::assert();
        let lock = jobs()?;
        let theirs = lock.clone();
        let thread = Thread::spawn(cx, c"event_waiter", move |cx, _| {
            let got = theirs
                .lock_in(cx)
                .on(|jobs| &jobs.work)
                .when(|work| *work == 7, core::mem::take)
                .or(|jobs| &jobs.work)
                .until(|work| *work > 8)
                .wait(Idle);
            *theirs.lock_in(cx).as_mut().project().got = Some(got.map_err(Into::into));
        })?;
        let asleep = until(|| waiters(&lock, cx) == [2, 0]);
        lock.lock_in(cx)
            .as_mut()
            .project()
            .work
            .update(|work| *work = 8);
        let sleeping = waiters(&lock, cx);
        lock.lock_in(cx)
            .as_mut()
            .project()
            .work
            .update(|work| *work = 7);
        let (got, left) = end(cx, &lock, thread);
        asleep?;
        assert_eq!(sleeping, [2, 0]);
        assert_eq!(got, Some(Ok(Either::First(7))));
        assert_eq!(left, [0, 0]);
        Ok(())
    }

    /// Once the one claim was served, nobody asks the other one.
    #[test]
    fn twice_on_one_event_is_served_once() -> Result {
        let cx = &mut MaySleep::assert();
        let lock = jobs()?;
        let asked = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let (theirs, asks) = (lock.clone(), asked.clone());
        let thread = Thread::spawn(cx, c"event_waiter", move |cx, _| {
            let got = theirs
                .lock_in(cx)
                .on(|jobs| &jobs.work)
                .when(|work| *work > 0, core::mem::take)
                .or(|jobs| &jobs.work)
                .until(move |_| {
                    asks.fetch_add(1, Relaxed);
                    false
                })
                .wait(Idle);
            *theirs.lock_in(cx).as_mut().project().got = Some(got.map_err(Into::into));
        })?;
        let asleep = until(|| waiters(&lock, cx) == [2, 0]);
        let before = asked.load(Relaxed);
        lock.lock_in(cx)
            .as_mut()
            .project()
            .work
            .update(|work| *work = 1);
        let after = asked.load(Relaxed);
        let (got, left) = end(cx, &lock, thread);
        asleep?;
        assert_eq!(got, Some(Ok(Either::First(1))));
        assert_eq!(left, [0, 0]);
        assert_eq!((before, after), (1, 1));
        Ok(())
    }
}
