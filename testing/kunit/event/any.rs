// SPDX-License-Identifier: GPL-2.0

//! One wait for any of several events of one kind: in the data of the lock, or in objects on a list.

use super::gate::{
    deadline,
    until, //
};
use baton::{
    event::{
        select_any,
        when,
        Claim,
        Idle,
        Interruptible,
        Mode,
        ModeAt,
        Policy, //
    },
    new_event,
    testing,
    Any,
    Either,
    Event,
    Fifo,
    LockIn,
    MaySleep,
    Thread,
    WaitError, //
};
use core::{
    mem,
    pin::Pin, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
};

/// Queues, as numbers, and how a wait for any of them has ended.
#[pin_data]
struct Queues<P: Policy> {
    #[pin]
    first: Event<u32, P>,
    #[pin]
    second: Event<u32, P>,
    #[pin]
    third: Event<u32, P>,
    got: Got,
}

type Got = Option<Result<(usize, u32), WaitError>>;

type Lock<P> = Arc<Mutex<Queues<P>>>;

fn queues<P: Policy>() -> Result<Lock<P>> {
    Arc::pin_init(
        new_mutex!(pin_init!(Queues {
            first <- new_event!(0),
            second <- new_event!(0),
            third <- new_event!(0),
            got: None,
        })),
        GFP_KERNEL,
    )
}

impl<P: Policy> Queues<P> {
    fn all(&self) -> [&Event<u32, P>; 3] {
        [&self.first, &self.second, &self.third]
    }

    /// The one with this number, to be changed.
    fn number(self: Pin<&mut Self>, number: usize) -> Pin<&mut Event<u32, P>> {
        let queues = self.project();
        match number {
            0 => queues.first,
            1 => queues.second,
            _ => queues.third,
        }
    }
}

/// How many wait for each.
fn waiters<P: Policy>(lock: &Lock<P>, cx: &mut MaySleep) -> [usize; 3] {
    lock.lock_in(cx).all().map(Event::waiters)
}

fn add<P: Policy>(lock: &Lock<P>, cx: &mut MaySleep, number: usize, amount: u32) {
    let mut held = lock.lock_in(cx);
    held.as_mut()
        .number(number)
        .update(|queue| *queue += amount);
}

/// Takes all that is in any of them, if that is `want` or more.
fn take_any<P: Policy, M: ModeAt>(
    lock: &Lock<P>,
    cx: &mut MaySleep,
    want: u32,
    mode: M,
) -> Result<(usize, u32), M::Error> {
    lock.lock_in(cx)
        .on_any(Queues::all)
        .claim(at_least(want))
        .wait(mode)
}

/// The claim is the same, whoever makes it.
fn at_least(want: u32) -> impl Claim<u32, Output = u32> {
    when(move |queue: &u32| *queue >= want, mem::take)
}

/// Starts a thread that does, and returns once it sleeps.
fn start<P: Policy, M>(cx: &mut MaySleep, lock: &Lock<P>, want: u32, mode: M) -> Result<Thread>
where
    M: ModeAt + Send + 'static,
    M::Error: Into<WaitError>,
{
    let before = waiters(lock, cx);
    let theirs = lock.clone();
    let thread = Thread::spawn(cx, c"event_waiter", move |cx, _| {
        let got = take_any(&theirs, cx, want, mode).map_err(Into::into);
        *theirs.lock_in(cx).as_mut().project().got = Some(got);
    })?;
    until(|| waiters(lock, cx) == before.map(|count| count + 1))?;
    Ok(thread)
}

/// Joins it, returns what it got and who waits then.
fn end<P: Policy>(cx: &mut MaySleep, lock: &Lock<P>, thread: Thread) -> (Got, [usize; 3]) {
    let left = waiters(lock, cx);
    if let Err(refused) = thread.join_timeout(cx, deadline()) {
        pr_err!("one that waits for any sleeps and was to end\n");
        lock.lock_in(cx).as_mut().project().first.close();
        let _ = refused.object.join(cx);
    }
    (lock.lock_in(cx).got, left)
}

/// An event behind a pointer.
type Boxed = Pin<KBox<Event<u32>>>;

#[kunit_tests(baton_event_any)]
mod tests {
    use super::*;

    #[test]
    fn whichever_comes_first_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        for number in 0..3 {
            let lock = queues::<Any>()?;
            let thread = start(cx, &lock, 1, Idle)?;
            add(&lock, cx, number, 7);
            // It is off all lists as soon as it is served.
            let (got, left) = end(cx, &lock, thread);
            assert_eq!(got, Some(Ok((number, 7))));
            assert_eq!(left, [0; 3]);
        }
        Ok(())
    }

    #[test]
    fn what_is_named_first_is_tried_first() -> Result {
        let cx = &mut MaySleep::assert();
        let lock = queues::<Any>()?;
        add(&lock, cx, 2, 3);
        add(&lock, cx, 1, 2);
        let mode = || Idle.timeout(deadline());
        let first = take_any(&lock, cx, 1, mode());
        let then = take_any(&lock, cx, 1, mode());
        let last = take_any(&lock, cx, 1, Idle.timeout(1));
        assert_eq!(first, Ok((1, 2)));
        assert_eq!(then, Ok((2, 3)));
        assert_eq!(last, Err(WaitError::TimedOut));
        assert_eq!(waiters(&lock, cx), [0; 3]);
        Ok(())
    }

    #[test]
    fn any_of_them_is_served_once() -> Result {
        let cx = &mut MaySleep::assert();
        let lock = queues::<Any>()?;
        let thread = start(cx, &lock, 1, Idle)?;
        let mut held = lock.lock_in(cx);
        held.update(|queues| queues.project().third, |queue| *queue = 3);
        held.update(|queues| queues.project().first, |queue| *queue = 1);
        let kept = [*held.first, *held.third];
        drop(held);
        let (got, _) = end(cx, &lock, thread);
        assert_eq!(got, Some(Ok((2, 3))));
        assert_eq!(kept, [1, 0]);
        Ok(())
    }

    #[test]
    fn closing_one_of_them_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        for number in 0..3 {
            let lock = queues::<Any>()?;
            let thread = start(cx, &lock, 1, Idle)?;
            lock.lock_in(cx).as_mut().number(number).close();
            let (got, left) = end(cx, &lock, thread);
            let later = take_any(&lock, cx, 1, Idle.timeout(deadline()));
            // The caller sees which.
            let on = lock.lock_in(cx).on_any(Queues::all);
            let wait = on.until(|queue| *queue > 0);
            let (held, again) = wait.wait_relock(Idle.timeout(deadline()));
            let closed = held.all().map(Event::is_closed);
            drop(held);
            assert_eq!(got, Some(Err(WaitError::Closed)));
            assert_eq!(left, [0; 3]);
            assert_eq!(later, Err(WaitError::Closed));
            assert_eq!(again, Err(WaitError::Closed));
            assert_eq!(closed, [number == 0, number == 1, number == 2]);
        }
        Ok(())
    }

    #[test]
    fn a_signal_takes_it_off_all_lists() -> Result {
        let cx = &mut MaySleep::assert();
        let lock = queues::<Fifo>()?;
        let thread = start(cx, &lock, 1, Interruptible)?;
        thread.interrupt();
        let (got, _) = end(cx, &lock, thread);
        let left = waiters(&lock, cx);
        assert_eq!(got, Some(Err(WaitError::Signal)));
        assert_eq!(left, [0; 3]);
        Ok(())
    }

    #[test]
    fn the_same_event_twice() -> Result {
        let cx = &mut MaySleep::assert();
        let lock = queues::<Fifo>()?;
        let twice =
            select_any(|queues: &Queues<Fifo>| [&queues.second, &queues.first, &queues.second]);
        let theirs = lock.clone();
        let thread = Thread::spawn(cx, c"event_waiter", move |cx, _| {
            let on = theirs.lock_in(cx).on_any(twice);
            let got = on.when(|queue| *queue > 0, mem::take).wait(Idle);
            *theirs.lock_in(cx).as_mut().project().got = Some(got.map_err(Into::into));
        })?;
        let asleep = until(|| waiters(&lock, cx) == [1, 2, 0]);
        add(&lock, cx, 1, 4);
        let (got, left) = end(cx, &lock, thread);
        let on = lock.lock_in(cx).on_any(twice);
        let gave_up = on.until(|queue| *queue > 0).wait(Idle.timeout(1));
        asleep?;
        assert_eq!(got, Some(Ok((0, 4))));
        assert_eq!(left, [0; 3]);
        assert_eq!(gave_up, Err(WaitError::TimedOut));
        assert_eq!(waiters(&lock, cx), [0; 3]);
        Ok(())
    }

    #[test]
    fn a_wait_for_none_is_closed() -> Result {
        let cx = &mut MaySleep::assert();
        let lock = queues::<Any>()?;
        let none = select_any(|_: &Queues<Any>| -> [&Event<u32>; 0] { [] });
        let on = lock.lock_in(cx).on_any(none);
        let got = on.until(|_| true).wait(Idle.timeout(deadline()));
        assert_eq!(got, Err(WaitError::Closed));
        Ok(())
    }

    /// Whoever is behind it on any of the lists goes on when it withdraws, or is served elsewhere.
    #[test]
    fn its_departure_lets_those_behind_it_pass() -> Result {
        let cx = &mut MaySleep::assert();
        for number in 0..3 {
            for served in [false, true] {
                let lock = queues::<Fifo>()?;
                add(&lock, cx, number, 1);
                let large = start(cx, &lock, 2, Interruptible)?;
                let small = start(cx, &lock, 1, Idle);
                // It waits although there is what it wants.
                let behind = waiters(&lock, cx);
                if served {
                    add(&lock, cx, (number + 1) % 3, 5);
                } else {
                    large.interrupt();
                }
                let passed = until(|| waiters(&lock, cx) == [0; 3]);
                if passed.is_err() {
                    lock.lock_in(cx).as_mut().number(number).close();
                }
                let joined = large.join(cx).is_ok() && small?.join(cx).is_ok();
                let left = **lock.lock_in(cx).all()[number];
                assert_eq!(behind, [2; 3]);
                assert_eq!(passed, Ok(()));
                assert!(joined);
                assert_eq!(left, 0);
            }
        }
        Ok(())
    }

    /// Those that a claim at once makes possible are served, too.
    #[test]
    fn a_claim_on_any_serves_those_that_it_enables() -> Result {
        let cx = &mut MaySleep::assert();
        let lock = queues::<Any>()?;
        let theirs = lock.clone();
        let thread = Thread::spawn(cx, c"event_waiter", move |cx, _| {
            let on = theirs.lock_in(cx).on(|queues| &queues.second);
            let got = on.until(|queue| *queue == 9).wait(Idle).map(|()| (1, 9));
            *theirs.lock_in(cx).as_mut().project().got = Some(got.map_err(Into::into));
        })?;
        let asleep = until(|| waiters(&lock, cx) == [0, 1, 0]);
        add(&lock, cx, 1, 1);
        let on = lock.lock_in(cx).on_any(Queues::all);
        let got = on.when(|queue| *queue == 1, |queue| *queue = 9);
        let got = got.wait(Idle.timeout(deadline()));
        let (theirs, left) = end(cx, &lock, thread);
        asleep?;
        assert_eq!(got, Ok((1, ())));
        assert_eq!(theirs, Some(Ok((1, 9))));
        assert_eq!(left, [0; 3]);
        Ok(())
    }

    #[test]
    fn any_of_them_or_another_event() -> Result {
        let cx = &mut MaySleep::assert();
        let lock = queues::<Any>()?;
        let mut got = [None; 3];
        for (number, got) in got.iter_mut().enumerate() {
            add(&lock, cx, number, 1);
            let held = lock.lock_in(cx);
            let on = held
                .on(|queues| &queues.second)
                .when(|queue| *queue > 0, mem::take);
            let on = on.or_any(|queues| [&queues.first, &queues.third]);
            let wait = on.when(|queue| *queue > 0, mem::take);
            *got = wait.wait(Idle.timeout(deadline())).ok();
        }
        let expected = [
            Either::Second((0, 1)),
            Either::First(1),
            Either::Second((1, 1)),
        ];
        assert_eq!(got, expected.map(Some));
        Ok(())
    }

    /// One that does not lie where it has to is as good as closed.
    #[test]
    fn one_of_them_outside_of_the_data_is_refused() -> Result {
        let cx = &mut MaySleep::assert();
        let boxed: Boxed = KBox::pin_init(new_event!(1), GFP_KERNEL)?;
        let lock: Pin<KBox<Mutex<Boxed>>> = KBox::pin_init(new_mutex!(boxed), GFP_KERNEL)?;
        let log = testing::Log::here();
        let on = lock.lock_in(cx).on_any(|boxed| [&**boxed]);
        let got = on.until(|_| true).wait(Idle.timeout(deadline()));
        let named = log.lines(&[": a wait for an event that is not inside"]);
        assert_eq!(got, Err(WaitError::Closed));
        assert_eq!(named, 1);
        Ok(())
    }
}
