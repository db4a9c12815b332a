// SPDX-License-Identifier: GPL-2.0

//! Limits: how long a wait may take, in which units, and what is left of it.

use super::gate::{
    deadline,
    take,
    until,
    Gate,
    PENDING,
    SERVED,
    SIGNAL,
    TIMED_OUT, //
};
use baton::{
    completion::{
        start,
        LocalCompleter, //
    },
    drain::{
        self,
        Drain,
        DrainError,
        Phased, //
    },
    entry_map::{
        new_entry_map,
        EntryMap,
        Order,
        Outcome,
        Slot, //
    },
    event::{
        Budget,
        Interruptible,
        Io,
        Killable,
        Limit,
        Mode,
        ModeAt,
        Uninterruptible, //
    },
    Any,
    EntryGuard,
    LockIn,
    MaySleep,
    Thread,
    WaitError, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        BootTime,
        ClockSource,
        Delta,
        Instant,
        Jiffies,
        Monotonic,
        RealTime,
        Tai, //
    },
};

type Credits = Arc<Gate<Any>>;

fn wait<M: ModeAt>(gate: &Credits, cx: &mut MaySleep, mode: M) -> Result<u32, M::Error> {
    gate.state
        .lock_in(cx)
        .on(|s| &s.credits)
        .claim(take(1))
        .wait(mode)
}

/// Lets a thread wait in vain, and returns how that ended and how long it took. If the limit does not end it, that
/// is an error.
fn in_vain<M>(cx: &mut MaySleep, mode: M) -> Result<(WaitError, Delta)>
where
    M: ModeAt<Error = WaitError> + Send + 'static,
{
    let gate = Gate::<Any>::new()?;
    let theirs = gate.clone();
    let ended = Arc::pin_init(new_mutex!(None), GFP_KERNEL)?;
    let told: Arc<Mutex<Option<(WaitError, Delta)>>> = ended.clone();
    let waiter = Thread::spawn(cx, c"limit_waiter", move |cx, _| {
        let start = Instant::<Monotonic>::now();
        let why = wait(&theirs, cx, mode).err();
        *told.lock_in(cx) = why.map(|why| (why, start.elapsed()));
    })?;
    gate.join(cx, [waiter])?;
    let ended = *ended.lock_in(cx);
    ended.ok_or(EINVAL)
}

/// Lets a thread wait until a time on the clock `C`. Returns how that ended, and whether the clock had got there.
fn until_a_time_on<C: ClockSource + 'static>(cx: &mut MaySleep) -> Result<(u32, bool)> {
    let gate = Gate::<Any>::new()?;
    let theirs = gate.clone();
    let waiter = Thread::spawn(cx, c"limit_clock", move |cx, _| {
        let at = Instant::<C>::now() + Delta::from_millis(3);
        theirs.note(0, wait(&theirs, cx, Killable.timeout(at)));
        if at - Instant::<C>::now() <= Delta::ZERO {
            theirs.end(1);
        }
    })?;
    gate.join(cx, [waiter])?;
    Ok((gate.ended(0), gate.ended(1) == SERVED))
}

/// Lets a thread look once: in vain, and with a credit there.
fn looks_once<T>(cx: &mut MaySleep, limit: T) -> Result<[u32; 2]>
where
    T: Limit + Copy + Send + 'static,
{
    let gate = Gate::<Any>::new()?;
    let theirs = gate.clone();
    let looker = Thread::spawn(cx, c"limit_looker", move |cx, _| {
        theirs.note(0, wait(&theirs, cx, Uninterruptible.timeout(limit)));
        theirs.add(cx, 1);
        theirs.note(1, wait(&theirs, cx, Uninterruptible.timeout(limit)));
    })?;
    gate.join(cx, [looker])?;
    Ok([0, 1].map(|id| gate.ended(id)))
}

/// Lets a thread wait within `limit`; `end` ends that. Returns what is left of it, and how it ended.
fn left_after<T>(
    cx: &mut MaySleep,
    limit: T,
    end: impl FnOnce(&mut MaySleep, &Credits, &Thread),
) -> Result<(T, u32)>
where
    T: Budget + Send + Unpin + 'static,
{
    let gate = Gate::<Any>::new()?;
    let theirs = gate.clone();
    let left = Arc::pin_init(new_mutex!(limit), GFP_KERNEL)?;
    let told: Arc<Mutex<T>> = left.clone();
    let waiter = Thread::spawn(cx, c"limit_waiter", move |cx, _| {
        let mut left = limit;
        let result = wait(&theirs, cx, Interruptible.within(&mut left));
        theirs.note(0, result);
        *told.lock_in(cx) = left;
    })?;
    gate.gate(cx, 1)?;
    end(cx, &gate, &waiter);
    gate.join(cx, [waiter])?;
    let left = *left.lock_in(cx);
    Ok((left, gate.ended(0)))
}

/// Wakes a waiter that is not served, again and again, until its limit ends the wait.
fn woken_for_nothing<T: Limit + Send + 'static>(cx: &mut MaySleep, limit: T) -> Result<u32> {
    let gate = Gate::<Any>::new()?;
    let theirs = gate.clone();
    // It may have ended before this task sees it asleep.
    let waiter = Thread::spawn(cx, c"limit_woken", move |cx, _| {
        let result = wait(&theirs, cx, Uninterruptible.timeout(limit));
        theirs.note(0, result);
    })?;
    let _ = until(|| {
        waiter.task().wake_up();
        gate.ended(0) != PENDING
    });
    let ended = gate.ended(0);
    gate.add(cx, 1);
    gate.join(cx, [waiter])?;
    Ok(ended)
}

#[kunit_tests(baton_event_limit)]
mod tests {
    use super::*;

    #[test]
    fn a_span_of_time_ends_the_wait_and_not_before() -> Result {
        let cx = &mut MaySleep::assert();
        for micros in [1, 70, 900, 5_000] {
            let limit = Delta::from_micros(micros);
            let (why, took) = in_vain(cx, Uninterruptible.timeout(limit))?;
            assert_eq!(why, WaitError::TimedOut);
            assert!(took >= limit);
        }
        Ok(())
    }

    /// A tick is four milliseconds, or ten.
    #[test]
    fn a_span_of_time_is_not_rounded_to_a_tick() -> Result {
        let cx = &mut MaySleep::assert();
        let mut best = Delta::from_secs(1);
        for _ in 0..200 {
            let limit = Uninterruptible.timeout(Delta::from_micros(100));
            let (_, took) = in_vain(cx, limit.slack(Delta::ZERO))?;
            best = best.min(took);
        }
        assert!(best < Delta::from_millis(2));
        Ok(())
    }

    #[test]
    fn a_time_on_any_clock_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let over = Ok((TIMED_OUT, true));
        assert_eq!(until_a_time_on::<Monotonic>(cx), over);
        assert_eq!(until_a_time_on::<BootTime>(cx), over);
        assert_eq!(until_a_time_on::<RealTime>(cx), over);
        assert_eq!(until_a_time_on::<Tai>(cx), over);
        Ok(())
    }

    #[test]
    fn a_limit_that_is_over_looks_once() -> Result {
        let cx = &mut MaySleep::assert();
        let once = Ok([TIMED_OUT, SERVED]);
        let now = Instant::<Monotonic>::now();
        assert_eq!(looks_once::<Jiffies>(cx, 0), once);
        assert_eq!(looks_once(cx, Delta::ZERO), once);
        assert_eq!(looks_once(cx, Delta::from_nanos(i64::MIN)), once);
        assert_eq!(looks_once(cx, now), once);
        assert_eq!(looks_once(cx, now - Delta::from_nanos(1)), once);
        Ok(())
    }

    #[test]
    fn a_span_of_time_that_does_not_fit_is_none() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Any>::new()?;
        let limit = Uninterruptible.timeout(Delta::from_nanos(i64::MAX));
        let waiter = gate.start(cx, 0, 1, limit.slack(Delta::from_nanos(i64::MAX)))?;
        gate.add(cx, 1);
        gate.join(cx, [waiter])?;
        assert_eq!(gate.ended(0), SERVED);
        Ok(())
    }

    /// In whichever units they are, and whichever was named first.
    #[test]
    fn the_first_of_several_limits_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let (short, long) = (Delta::from_millis(2), Delta::from_secs(3600));
        let soon = Instant::<RealTime>::now() + short;
        let late = Instant::<BootTime>::now() + long;
        let ends = [
            in_vain(cx, Killable.timeout(short).timeout(long))?.0,
            in_vain(cx, Killable.timeout(long).timeout(short))?.0,
            in_vain(cx, Killable.timeout(1).timeout(long))?.0,
            in_vain(cx, Killable.timeout(long).timeout(1))?.0,
            in_vain(cx, Killable.timeout(soon).timeout(Jiffies::MAX))?.0,
            in_vain(
                cx,
                Killable.timeout(msecs_to_jiffies(3_600_000)).timeout(soon),
            )?
            .0,
            in_vain(cx, Killable.timeout(late).timeout(short))?.0,
            in_vain(cx, Killable.timeout(late).timeout(0))?.0,
        ];
        assert_eq!(ends, [WaitError::TimedOut; 8]);
        Ok(())
    }

    #[test]
    fn what_is_left_is_told_after_a_wait_that_was_served() -> Result {
        let cx = &mut MaySleep::assert();
        let slept = Delta::from_millis(40);
        let serve = |cx: &mut MaySleep, gate: &Credits, _: &Thread| {
            fsleep(slept);
            gate.add(cx, 1);
        };
        let limit = Delta::from_secs(100);
        let (left, ended) = left_after(cx, limit, serve)?;
        assert_eq!(ended, SERVED);
        assert!(left > Delta::ZERO);
        assert!(left <= limit - slept);
        let limit = msecs_to_jiffies(100_000);
        let (left, ended) = left_after(cx, limit, serve)?;
        assert_eq!(ended, SERVED);
        assert!(left > 0);
        // It may have begun, and ended, in the middle of a tick.
        assert!(left < limit - 1);
        Ok(())
    }

    #[test]
    fn what_is_left_is_told_after_a_signal() -> Result {
        let cx = &mut MaySleep::assert();
        let limit = Delta::from_secs(100);
        let (left, ended) = left_after(cx, limit, |_, _, waiter| waiter.interrupt())?;
        assert_eq!(ended, SIGNAL);
        assert!(left > Delta::ZERO);
        assert!(left < limit);
        Ok(())
    }

    #[test]
    fn nothing_is_left_after_the_time_and_the_next_wait_looks_once() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Any>::new()?;
        let (mut time, mut jiffies) = (Delta::from_millis(3), 2);
        let ends = [
            wait(&gate, cx, Killable.within(&mut time)),
            wait(&gate, cx, Killable.within(&mut time)),
            wait(&gate, cx, Killable.within(&mut jiffies)),
            wait(&gate, cx, Killable.within(&mut jiffies)),
        ];
        gate.add(cx, 2);
        let served = [
            wait(&gate, cx, Killable.within(&mut time)),
            wait(&gate, cx, Killable.within(&mut jiffies)),
        ];
        assert_eq!(ends, [Err(WaitError::TimedOut); 4]);
        assert_eq!(served, [Ok(1); 2]);
        assert_eq!((time, jiffies), (Delta::ZERO, 0));
        Ok(())
    }

    #[test]
    fn a_wait_that_need_not_sleep_takes_no_time() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Any>::new()?;
        let (mut time, mut jiffies) = (Delta::from_secs(1), 1_000);
        gate.add(cx, 2);
        let first = wait(&gate, cx, Killable.within(&mut time).slack(Delta::ZERO));
        let second = wait(&gate, cx, Killable.within(&mut jiffies));
        assert_eq!((first, second), (Ok(1), Ok(1)));
        assert_eq!((time, jiffies), (Delta::from_secs(1), 1_000));
        Ok(())
    }

    /// A limit that does not fit is longer than the machine will run, also when some of it is used up.
    #[test]
    fn a_budget_that_does_not_fit_is_none() -> Result {
        let cx = &mut MaySleep::assert();
        let serve = |cx: &mut MaySleep, gate: &Credits, _: &Thread| gate.add(cx, 1);
        let (jiffies, first) = left_after(cx, Jiffies::MAX, serve)?;
        let (jiffies, second) = left_after(cx, jiffies, serve)?;
        let (time, third) = left_after(cx, Delta::from_nanos(i64::MAX), serve)?;
        assert_eq!([first, second, third], [SERVED; 3]);
        assert!(jiffies > Jiffies::MAX / 4);
        assert!(time > Delta::from_nanos(i64::MAX / 4));
        Ok(())
    }

    /// Whatever wakes the task does not begin the time anew.
    #[test]
    fn who_is_woken_for_nothing_waits_no_longer() -> Result {
        let cx = &mut MaySleep::assert();
        let limit = Delta::from_millis(60);
        assert_eq!(woken_for_nothing(cx, limit), Ok(TIMED_OUT));
        let at = Instant::<BootTime>::now() + limit;
        assert_eq!(woken_for_nothing(cx, at), Ok(TIMED_OUT));
        assert_eq!(woken_for_nothing(cx, msecs_to_jiffies(60)), Ok(TIMED_OUT));
        Ok(())
    }

    /// Drains sleep in a way of their own, entries among others.
    #[test]
    fn whatever_waits_takes_a_limit() -> Result {
        let cx = &mut MaySleep::assert();
        let limit = Delta::from_millis(2);
        let mut kept = None;
        let mut completion = start(cx, |completer: LocalCompleter<u32>, _| {
            kept = Some(completer.hand_over());
            Ok(())
        })?;
        let (mut left, budget) = (limit, Delta::from_secs(1));
        let told = completion.wait(cx, Killable.within(&mut left));
        let _ = kept.map(|completer| completer.complete(Ok(1)));
        let drain: Pin<KBox<Drain>> = KBox::pin_init(drain::new_drain!(), GFP_KERNEL)?;
        let active = drain.try_begin()?;
        let mut shut = drain.shut(cx, Killable.timeout(limit))?;
        let start = Instant::<Monotonic>::now();
        let drained = shut.wait(Io.timeout(limit));
        let took = start.elapsed();
        active.end();
        let mut untouched = budget;
        let done = shut.wait(Killable.within(&mut untouched));
        drop(shut);
        let map: Pin<KBox<EntryMap<u64>>> = KBox::pin_init(new_entry_map!(), GFP_KERNEL)?;
        let insert = |_: Slot<u64>| Outcome::InsertLocked(7);
        let entry = map.at(cx, Killable, 1, Order::Pte, insert)?.locked();
        let detached = entry.map(EntryGuard::detach);
        let mut rest = limit;
        let locked = map.lock(cx, Uninterruptible.within(&mut rest), 1).map(drop);
        drop(detached);
        assert_eq!(told, Err(ETIMEDOUT));
        assert_eq!(drained, Err(DrainError::TimedOut));
        assert!(took >= limit);
        assert_eq!((done, untouched), (Ok(()), budget));
        assert_eq!(locked, Err(ETIMEDOUT));
        assert_eq!((left, rest), (Delta::ZERO, Delta::ZERO));
        Ok(())
    }

    /// For its turn, and for what is in flight; or for none of them.
    #[test]
    fn what_has_two_sleeps_has_one_limit() -> Result {
        let cx = &mut MaySleep::assert();
        let drain: Arc<Phased> = Arc::pin_init(drain::new_phased!(), GFP_KERNEL)?;
        let limit = Delta::from_millis(3);
        let (mut time, mut jiffies) = (limit, 2);
        let nothing = [
            drain.wait_present(cx, Killable.within(&mut time)),
            drain.wait_present(cx, Killable.within(&mut jiffies)),
        ];
        let untouched = (time, jiffies);
        let reference = drain.begin_in_flight();
        let own = [
            drain.wait_present(cx, Killable.within(&mut time)),
            drain.wait_present(cx, Killable.within(&mut jiffies)),
        ];
        let over = (time, jiffies);
        let theirs = drain.clone();
        let holder = Thread::spawn(cx, c"limit_holder", move |cx, _| {
            let _ = theirs.wait_present(cx, Killable);
        })?;
        let waits = until(|| drain.waiters() == 1);
        time = limit;
        let turn = drain.wait_present(cx, Killable.within(&mut time));
        reference.end();
        holder.join_timeout(cx, deadline())?;
        waits?;
        assert_eq!((nothing, untouched), ([Ok(()); 2], (limit, 2)));
        assert_eq!(own, [Err(DrainError::TimedOut); 2]);
        assert_eq!(over, (Delta::ZERO, 0));
        assert_eq!((turn, time), (Err(DrainError::TimedOut), Delta::ZERO));
        Ok(())
    }

    #[test]
    fn a_thread_is_joined_within_a_limit() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Any>::new()?;
        let waiter = gate.start(cx, 0, 1, Killable.timeout(deadline()))?;
        let refused = waiter.join_timeout(cx, Delta::from_millis(1));
        gate.add(cx, 1);
        let error = refused.as_ref().err().map(|refused| refused.error);
        if let Err(refused) = refused {
            gate.join(cx, [refused.object])?;
        }
        assert_eq!(error, Some(ETIMEDOUT));
        Ok(())
    }
}
