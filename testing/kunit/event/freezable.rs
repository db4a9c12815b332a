// SPDX-License-Identifier: GPL-2.0

//! Waits and threads that the freezer may stop, as far as that is seen without it; the rest is in
//! `testing/selftests/freezer/`.

use super::gate::{
    deadline,
    take,
    until,
    Flag,
    Gate,
    SERVED,
    TIMED_OUT, //
};
use baton::{
    completion::{
        start,
        start_counted,
        LocalCompleter, //
    },
    drain::{
        new_drain,
        new_phased,
        Drain,
        Phased, //
    },
    event::{
        Idle,
        Interruptible,
        Io,
        Killable,
        Mode,
        ModeAt,
        Uninterruptible, //
    },
    new_event,
    testing,
    thread::Builder,
    Any,
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
        Delta,
        Jiffies, //
    }, //
};

/// Lets a thread wait in `mode` until it is served; returns whether it was seen to sleep freezably.
fn sleeps<M>(cx: &mut MaySleep, mode: M) -> Result<(bool, u32)>
where
    M: ModeAt + Send + 'static,
    M::Error: Into<WaitError>,
{
    let gate = Gate::<Any>::new()?;
    let waiter = gate.start(cx, 0, 1, mode)?;
    // It is linked, and may not have published its state yet.
    let asleep = until(|| testing::state(waiter.task()).0 != 'R');
    let (_, freezable) = testing::freezable(waiter.task());
    gate.add(cx, 1);
    gate.join(cx, [waiter])?;
    asleep?;
    Ok((freezable, gate.ended(0)))
}

/// Waits for a flag, in a thread of that builder. Returns what is said of it.
fn thread(cx: &mut MaySleep, builder: Builder<'_>) -> Result<(bool, bool)> {
    let flag = Arc::pin_init(
        new_mutex!(pin_init!(Flag { set <- new_event!(false) })),
        GFP_KERNEL,
    )?;
    let theirs: Arc<Mutex<Flag>> = flag.clone();
    let thread = builder.spawn(cx, move |cx, stop| {
        while !stop.requested_or_freeze(cx) {
            let set = theirs.lock_in(cx).on(|flag| &flag.set);
            // A stop ends it.
            let _ = set.until(|set| *set).wait(Idle.freezable());
        }
    })?;
    let asleep = until(|| testing::state(thread.task()).0 == 'I');
    let seen = testing::freezable(thread.task());
    thread.stop(cx)?;
    asleep?;
    Ok(seen)
}

/// Lets a thread do something until `end` ends that; returns whether it sleeps freezably.
fn asleep<A, E>(cx: &mut MaySleep, act: A, end: E) -> Result<bool>
where
    A: FnOnce(&mut MaySleep) + Send + 'static,
    E: FnOnce(&mut MaySleep),
{
    let thread = Thread::spawn(cx, c"freezable_sleep", move |cx, _| act(cx))?;
    let waits = until(|| matches!(testing::state(thread.task()).0, 'S' | 'D'));
    let (_, freezable) = testing::freezable(thread.task());
    end(cx);
    thread.join_timeout(cx, deadline())?;
    waits?;
    Ok(freezable)
}

/// As [`asleep`], with a drain whose gate is shut.
fn at_the_gate<F>(cx: &mut MaySleep, act: F) -> Result<bool>
where
    F: FnOnce(&mut MaySleep, &Drain) + Send + 'static,
{
    let drain: Arc<Drain> = Arc::pin_init(new_drain!(), GFP_KERNEL)?;
    let theirs = drain.clone();
    let shut = Drain::shut_owned(drain.as_arc_borrow(), cx, Killable)?;
    asleep(cx, move |cx| act(cx, &theirs), |_| drop(shut))
}

#[kunit_tests(baton_event_freezable)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_freezable_if_its_form_says_so() -> Result {
        let cx = &mut MaySleep::assert();
        let time = Delta::from_secs(10);
        let freezable = [
            sleeps(cx, Uninterruptible.freezable()),
            sleeps(cx, Interruptible.freezable()),
            sleeps(cx, Killable.freezable()),
            sleeps(cx, Io.freezable()),
            sleeps(cx, Idle.freezable()),
            sleeps(cx, Killable.freezable().timeout(deadline())),
            sleeps(cx, Killable.timeout(time).freezable()),
        ];
        let not = [
            sleeps(cx, Uninterruptible),
            sleeps(cx, Interruptible),
            sleeps(cx, Killable.timeout(time)),
        ];
        assert_eq!(freezable, [Ok((true, SERVED)); 7]);
        assert_eq!(not, [Ok((false, SERVED)); 3]);
        Ok(())
    }

    #[test]
    fn a_freezable_wait_ends_as_others_do() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Any>::new()?;
        let mut left: Jiffies = 2;
        let mut wait = |cx: &mut MaySleep| {
            let on = gate.state.lock_in(cx).on(|s| &s.credits);
            on.claim(take(1))
                .wait(Killable.within(&mut left).freezable())
        };
        let (without, again) = (wait(cx), wait(cx));
        gate.add(cx, 1);
        let with = wait(cx);
        gate.note(0, without);
        gate.note(1, again);
        assert_eq!([gate.ended(0), gate.ended(1)], [TIMED_OUT; 2]);
        assert_eq!(with, Ok(1));
        assert_eq!(left, 0);
        Ok(())
    }

    /// Without a freezer in the kernel, none is.
    #[test]
    fn a_thread_is_freezable_if_its_builder_says_so() -> Result {
        let cx = &mut MaySleep::assert();
        let plain = thread(cx, Builder::new(c"freezable_not"));
        let freezable = thread(cx, Builder::new(c"freezable").freezable());
        assert_eq!(plain, Ok((false, true)));
        assert_eq!(freezable, Ok((cfg!(CONFIG_FREEZER), true)));
        Ok(())
    }

    #[test]
    fn nobody_is_frozen_without_a_freeze() {
        let cx = &mut MaySleep::assert();
        assert!(!cx.try_to_freeze());
    }

    /// With lockdep: the place in the order is taken after the wait.
    #[test]
    fn a_wait_at_a_gate_is_freezable() -> Result {
        let cx = &mut MaySleep::assert();
        let passes = at_the_gate(cx, |cx, drain| {
            drop(drain.begin_when_open(cx, Killable.freezable()));
        });
        let shuts = at_the_gate(cx, |cx, drain| {
            drop(drain.shut(cx, Killable.freezable()));
        });
        let nested = at_the_gate(cx, |cx, drain| {
            drop(drain.shut_nested(cx, Killable.freezable()));
        });
        let not = at_the_gate(cx, |cx, drain| {
            drop(drain.shut(cx, Killable));
        });
        assert_eq!([passes, shuts, nested], [Ok(true); 3]);
        assert_eq!(not, Ok(false));
        Ok(())
    }

    #[test]
    fn a_wait_for_what_is_in_flight_now_is_freezable() -> Result {
        let cx = &mut MaySleep::assert();
        let drain: Arc<Phased> = Arc::pin_init(new_phased!(), GFP_KERNEL)?;
        let mut seen = [Err(EINVAL), Err(EINVAL)];
        for (seen, freezable) in seen.iter_mut().zip([true, false]) {
            let (theirs, reference) = (drain.clone(), drain.begin_in_flight());
            let act = move |cx: &mut MaySleep| {
                let _ = if freezable {
                    theirs.wait_present(cx, Killable.freezable())
                } else {
                    theirs.wait_present(cx, Killable)
                };
            };
            *seen = asleep(cx, act, |_| reference.end());
        }
        assert_eq!(seen, [Ok(true), Ok(false)]);
        Ok(())
    }

    #[test]
    fn a_wait_for_a_completion_is_freezable() -> Result {
        let cx = &mut MaySleep::assert();
        let mut one = None;
        let mut completion = start(cx, |completer: LocalCompleter<u32>, _| {
            one = Some(completer.hand_over());
            Ok(())
        })?;
        let mut all = None;
        let shared = start(cx, |completer: LocalCompleter<u32>, _| {
            all = Some(completer.hand_over());
            Ok(())
        })?
        .share();
        let mut each = None;
        let counted = start_counted(cx, |completer, _| {
            each = Some(completer.hand_over());
            Ok(())
        })?;
        // A completer that is dropped completes, with an error.
        let first = asleep(
            cx,
            move |cx| {
                let _ = completion.wait(cx, Killable.freezable());
            },
            |_| drop(one),
        );
        let second = asleep(
            cx,
            move |cx| {
                let _ = shared.wait(cx, Killable.freezable());
            },
            |_| drop(all),
        );
        let third = asleep(
            cx,
            move |cx| {
                let _ = counted.wait(cx, Killable.freezable());
            },
            |_| drop(each),
        );
        assert_eq!([first, second, third], [Ok(true); 3]);
        Ok(())
    }
}
