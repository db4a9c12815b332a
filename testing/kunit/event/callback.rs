// SPDX-License-Identifier: GPL-2.0

//! Waiters that are no tasks: when their function runs, with what, and when it does not.

use super::gate::{
    take,
    until,
    Gate,
    SERVED, //
};
use baton::{
    event::{
        when,
        Callback,
        Closed,
        Uninterruptible, //
    },
    new_event,
    testing,
    Any,
    Event,
    LockIn,
    MaySleep, //
};
use core::mem;
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Relaxed,
            Release, //
        },
        Arc,
        Mutex, //
    },
};

/// The function has not run.
const NOT: u32 = 0;
/// It has run, and the event was closed.
const ENDED: u32 = 1000;

/// What the function of a callback got.
type Got = Arc<Atomic<u32>>;

fn got() -> Result<Got> {
    Ok(Arc::new(Atomic::new(NOT), GFP_KERNEL)?)
}

/// Makes a callback for some of the credits of a gate.
fn callback(cx: &mut MaySleep, gate: &Arc<Gate<Any>>, want: u32, got: &Got) -> Result<Callback> {
    let got = got.clone();
    Callback::new(
        cx,
        c"event_kunit",
        gate.clone(),
        |gate| &gate.state,
        |state| &state.credits,
        take(want),
        move |taken, _cx| got.store(taken.unwrap_or(ENDED), Release),
    )
}

/// Counts how often it was dropped.
struct Counted(Arc<Atomic<i32>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Release);
    }
}

fn has(got: &Got, what: u32) -> bool {
    until(|| got.load(Acquire) != NOT).is_ok() && got.load(Acquire) == what
}

fn waiters(gate: &Gate<Any>, cx: &mut MaySleep) -> usize {
    gate.state.lock_in(cx).credits.waiters()
}

/// Another worker has run the function of the second one.
const ELSEWHERE: u32 = 1;
/// It was told that the first one had run.
const HAD_RUN: u32 = 2;
/// It was refused.
const REFUSED: u32 = 3;

/// Who calls it, as a number.
fn caller() -> u32 {
    kernel::current!().pid().unsigned_abs()
}

/// Lets one callback run, and then another one, which withdraws the first if the same worker has run both. Returns
/// how that has ended.
fn withdrawn_by_another(cx: &mut MaySleep) -> Result<u32> {
    let (gate, other) = (Gate::<Any>::new()?, Gate::<Any>::new()?);
    let (ran, ended) = (got()?, got()?);
    let noted = ran.clone();
    let first = Callback::new(
        cx,
        c"event_kunit",
        gate.clone(),
        |gate| &gate.state,
        |state| &state.credits,
        take(1),
        move |_, _cx| noted.store(caller(), Release),
    )?;
    let slot: Arc<Mutex<Option<Callback>>> = Arc::pin_init(new_mutex!(Some(first)), GFP_KERNEL)?;
    gate.add(cx, 1);
    let has_run = until(|| ran.load(Acquire) != NOT);
    let (theirs, worker, noted) = (slot.clone(), ran.load(Acquire), ended.clone());
    let second = Callback::new(
        cx,
        c"event_kunit",
        other.clone(),
        |gate| &gate.state,
        |state| &state.credits,
        take(1),
        move |_, cx| {
            let mut how = ELSEWHERE;
            // It has returned from the function of the first one.
            if caller() == worker {
                let first = theirs.lock_in(cx).take();
                how = match first.map(|first| first.withdraw(cx)) {
                    Some(Ok(false)) => HAD_RUN,
                    _ => REFUSED,
                };
            }
            noted.store(how, Release);
        },
    )?;
    other.add(cx, 1);
    let has_ended = until(|| ended.load(Acquire) != NOT);
    let left = slot.lock_in(cx).take();
    if let Some(first) = left {
        first.withdraw(cx)?;
    }
    second.withdraw(cx)?;
    has_run.and(has_ended)?;
    Ok(ended.load(Relaxed))
}

#[kunit_tests(baton_event_callback)]
mod tests {
    use super::*;

    #[test]
    fn an_update_serves_a_callback() -> Result {
        let cx = &mut MaySleep::assert();
        let (gate, got) = (Gate::new()?, got()?);
        let callback = callback(cx, &gate, 2, &got)?;
        gate.add(cx, 1);
        let waiting = waiters(&gate, cx);
        gate.add(cx, 2);
        // Under the lock, as for a task, and once.
        let (left, gone) = (gate.credits(cx), waiters(&gate, cx));
        let ran = has(&got, 2);
        gate.add(cx, 2);
        let withdrawn = callback.withdraw(cx)?;
        assert_eq!((waiting, left, gone), (1, 1, 0));
        assert!(ran && !withdrawn);
        assert_eq!((got.load(Relaxed), gate.credits(cx)), (2, 3));
        Ok(())
    }

    #[test]
    fn a_claim_that_holds_is_served_at_once() -> Result {
        let cx = &mut MaySleep::assert();
        let (gate, got) = (Gate::new()?, got()?);
        gate.add(cx, 5);
        let callback = callback(cx, &gate, 2, &got)?;
        let left = gate.credits(cx);
        let ran = has(&got, 2);
        let withdrawn = callback.withdraw(cx)?;
        assert!(ran && !withdrawn);
        assert_eq!((left, waiters(&gate, cx)), (3, 0));
        Ok(())
    }

    /// What it takes can be what a task waits for.
    #[test]
    fn a_callback_that_is_served_at_once_serves_others() -> Result {
        let cx = &mut MaySleep::assert();
        let (gate, got) = (Gate::<Any>::new()?, got()?);
        let waiter = gate.start(cx, 0, 2, Uninterruptible)?;
        let noted = got.clone();
        let callback = Callback::new(
            cx,
            c"event_kunit",
            gate.clone(),
            |gate| &gate.state,
            |state| &state.credits,
            when(|_: &u32| true, |credits: &mut u32| *credits += 2),
            move |taken, _cx| noted.store(1 + u32::from(taken.is_err()), Release),
        )?;
        let left = gate.credits(cx);
        gate.rescue(cx);
        gate.join(cx, [waiter])?;
        callback.withdraw(cx)?;
        assert_eq!((left, got.load(Relaxed)), (0, 1));
        assert_eq!(gate.ended(0), SERVED);
        Ok(())
    }

    #[test]
    fn tasks_and_callbacks_are_served_by_age() -> Result {
        let cx = &mut MaySleep::assert();
        let (gate, first_got, last_got) = (Gate::<Any>::new()?, got()?, got()?);
        let first = callback(cx, &gate, 1, &first_got)?;
        let task = gate.start(cx, 0, 1, Uninterruptible)?;
        let last = callback(cx, &gate, 1, &last_got)?;
        gate.add(cx, 2);
        let waiting = waiters(&gate, cx);
        gate.rescue(cx);
        gate.join(cx, [task])?;
        let ran = has(&first_got, 1) && has(&last_got, ENDED);
        first.withdraw(cx)?;
        last.withdraw(cx)?;
        assert_eq!(waiting, 1);
        assert!(ran);
        assert_eq!(gate.ended(0), SERVED);
        Ok(())
    }

    #[test]
    fn whoever_wakes_after_the_unlock_serves_it() -> Result {
        let cx = &mut MaySleep::assert();
        let (gate, got) = (Gate::<Any>::new()?, got()?);
        let callback = callback(cx, &gate, 1, &got)?;
        let mut held = gate.state.lock_in(cx);
        held.update(|state| state.project().credits, |credits| *credits += 1);
        let left = *held.credits;
        drop(held);
        let ran = has(&got, 1);
        callback.withdraw(cx)?;
        assert_eq!(left, 0);
        assert!(ran);
        Ok(())
    }

    #[test]
    fn a_close_ends_it() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Any>::new()?;
        for is_closed in [false, true] {
            let got = got()?;
            let callback = callback(cx, &gate, 1, &got)?;
            // What is closed already has ended it, and nobody has to come for that.
            let at_once = is_closed && has(&got, ENDED);
            gate.rescue(cx);
            let ran = has(&got, ENDED);
            let withdrawn = callback.withdraw(cx)?;
            assert!(at_once == is_closed && ran && !withdrawn);
            assert_eq!(waiters(&gate, cx), 0);
        }
        Ok(())
    }

    #[test]
    fn what_was_withdrawn_does_not_run() -> Result {
        let cx = &mut MaySleep::assert();
        let (gate, got) = (Gate::<Any>::new()?, got()?);
        let callback = callback(cx, &gate, 1, &got)?;
        let withdrawn = callback.withdraw(cx)?;
        let waiting = waiters(&gate, cx);
        gate.add(cx, 1);
        assert!(withdrawn);
        assert_eq!((waiting, gate.credits(cx)), (0, 1));
        assert_eq!(got.load(Relaxed), NOT);
        Ok(())
    }

    /// Where nothing may sleep, and with the very lock held.
    #[test]
    fn what_is_dropped_with_the_lock_held_is_withdrawn_soon() -> Result {
        let cx = &mut MaySleep::assert();
        let (gate, got) = (Gate::<Any>::new()?, got()?);
        let callback = callback(cx, &gate, 1, &got)?;
        let held = gate.state.lock_in(cx);
        drop(callback);
        let waiting = held.credits.waiters();
        drop(held);
        let gone = until(|| waiters(&gate, cx) == 0);
        gate.add(cx, 1);
        assert_eq!((waiting, gone), (1, Ok(())));
        assert_eq!((got.load(Relaxed), gate.credits(cx)), (NOT, 1));
        Ok(())
    }

    /// It is served when its time comes, and nothing is left that could run.
    #[test]
    fn what_is_forgotten_still_runs() -> Result {
        let cx = &mut MaySleep::assert();
        let (gate, got) = (Gate::<Any>::new()?, got()?);
        mem::forget(callback(cx, &gate, 1, &got)?);
        gate.add(cx, 1);
        assert!(has(&got, 1));
        assert_eq!(waiters(&gate, cx), 0);
        Ok(())
    }

    /// Its own function has the handle.
    #[test]
    fn it_is_not_withdrawn_by_its_own_function() -> Result {
        let cx = &mut MaySleep::assert();
        let (gate, got) = (Gate::<Any>::new()?, got()?);
        let slot: Arc<Mutex<Option<Callback>>> = Arc::pin_init(new_mutex!(None), GFP_KERNEL)?;
        let (theirs, noted) = (slot.clone(), got.clone());
        let dropped = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let counted = Counted(dropped.clone());
        let until_dropped = when(
            move |credits: &u32| {
                let _kept = &counted;
                *credits > 0
            },
            |credits: &mut u32| *credits -= 1,
        );
        let callback = Callback::new(
            cx,
            c"event_kunit",
            gate.clone(),
            |gate| &gate.state,
            |state| &state.credits,
            until_dropped,
            move |_, cx| {
                let mine = theirs.lock_in(cx).take();
                let error = mine.and_then(|mine| mine.withdraw(cx).err());
                // It is dropped here, and withdrawn by a worker.
                let refused = error.is_some_and(|refused| refused.error == EDEADLK);
                noted.store(1 + u32::from(refused), Release);
            },
        )?;
        *slot.lock_in(cx) = Some(callback);
        gate.add(cx, 1);
        let ran = has(&got, 2);
        let gone = until(|| dropped.load(Acquire) == 1);
        assert!(ran && gone.is_ok());
        Ok(())
    }

    /// Whoever has run its function is as good as any other task afterwards.
    #[test]
    fn it_is_withdrawn_by_who_has_run_its_function() -> Result {
        let cx = &mut MaySleep::assert();
        // The worker that was idle last is the next one, where the work was queued.
        testing::stay_on(cx, 0)?;
        let mut ended = Ok(ELSEWHERE);
        let same = until(|| {
            ended = withdrawn_by_another(cx);
            ended != Ok(ELSEWHERE)
        });
        assert_eq!(same, Ok(()));
        assert_eq!(ended, Ok(HAD_RUN));
        Ok(())
    }

    /// The function may sleep, with nothing held: it updates another event, under another lock.
    #[test]
    fn its_function_may_sleep() -> Result {
        let cx = &mut MaySleep::assert();
        let (gate, other) = (Gate::<Any>::new()?, Gate::<Any>::new()?);
        let theirs = other.clone();
        let callback = Callback::new(
            cx,
            c"event_kunit",
            gate.clone(),
            |gate| &gate.state,
            |state| &state.credits,
            take(1),
            move |taken, cx| {
                kernel::time::delay::fsleep(kernel::time::Delta::from_micros(10));
                theirs.add(cx, taken.unwrap_or(0));
            },
        )?;
        let waiter = other.start(cx, 0, 1, Uninterruptible)?;
        gate.add(cx, 1);
        other.join(cx, [waiter])?;
        callback.withdraw(cx)?;
        assert_eq!(other.ended(0), SERVED);
        Ok(())
    }

    #[test]
    fn an_event_elsewhere_is_closed() -> Result {
        let cx = &mut MaySleep::assert();
        let (event, got) = (KBox::pin_init(new_event!(0), GFP_KERNEL)?, got()?);
        let lock: Arc<Mutex<Pin<KBox<Event<u32>>>>> = Arc::pin_init(new_mutex!(event), GFP_KERNEL)?;
        let noted = got.clone();
        let callback = Callback::new(
            cx,
            c"event_kunit",
            lock,
            |lock| lock,
            |event| event,
            take(1),
            move |taken: Result<u32, Closed>, _cx| noted.store(taken.unwrap_or(ENDED), Release),
        )?;
        let ran = has(&got, ENDED);
        callback.withdraw(cx)?;
        assert!(ran);
        Ok(())
    }
}
