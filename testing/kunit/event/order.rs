// SPDX-License-Identifier: GPL-2.0

//! Who is in whose way: waiters with different claims on one event.

use super::gate::{
    deadline,
    take,
    until,
    Gate,
    PENDING,
    SERVED,
    TIMED_OUT, //
};
use baton::{
    event::{
        Idle,
        Interruptible,
        Mode,
        ModeAt,
        Policy,
        Uninterruptible, //
    },
    level::levels,
    new_event,
    Any,
    Event,
    Fifo,
    LockIn,
    MaySleep,
    Ordered,
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
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta, //
    },
};

const ROOM: usize = 4;

/// A pipe: both ends wait on one event.
#[pin_data]
struct Pipe<P: Policy> {
    #[pin]
    used: Event<usize, P>,
}

/// A reader comes to an empty pipe, then a writer. Returns whether both end.
fn pipe<P: Policy>(cx: &mut MaySleep) -> Result<bool> {
    let pipe: Arc<Mutex<Pipe<P>>> = Arc::pin_init(
        new_mutex!(pin_init!(Pipe { used <- new_event!(0) })),
        GFP_KERNEL,
    )?;
    let theirs = pipe.clone();
    let reader = Thread::spawn(cx, c"event_reader", move |cx, _| {
        let on = theirs.lock_in(cx).on(|pipe| &pipe.used);
        let _ = on.when(|used| *used > 0, |used| *used -= 1).wait(Idle);
    })?;
    let asleep = until(|| pipe.lock_in(cx).used.waiters() == 1);
    let theirs = pipe.clone();
    let writer = Thread::spawn(cx, c"event_writer", move |cx, _| {
        let on = theirs.lock_in(cx).on(|pipe| &pipe.used);
        let _ = on.when(|used| *used < ROOM, |used| *used += 1).wait(Idle);
    })?;
    let mut passed = true;
    for thread in [writer, reader] {
        if let Err(thread) = thread
            .join_timeout(cx, deadline())
            .map_err(|refused| refused.object)
        {
            passed = false;
            pipe.lock_in(cx).as_mut().project().used.close();
            let _ = thread.join(cx);
        }
    }
    asleep?;
    Ok(passed)
}

levels! {
    /// What the worker takes, and then what the boss waits for.
    mod levels_of_the_boss {
        /// Where the work is handed out.
        Outer,
        /// The end of the work.
        Done,
        /// Where its end is noted.
        Inner,
    }
}

#[pin_data]
struct Start {
    #[pin]
    go: Event<bool>,
}

#[pin_data]
struct End {
    #[pin]
    done: Event<bool, Any, levels_of_the_boss::Done>,
}

#[pin_data]
struct Boss {
    #[pin]
    outer: Ordered<levels_of_the_boss::Outer, Mutex<Start>>,
    #[pin]
    inner: Ordered<levels_of_the_boss::Inner, Mutex<End>>,
}

/// Counts how often it is dropped, and whether the lock was free then.
struct Captured {
    gate: Arc<Gate<Any>>,
    drops: Arc<[Atomic<u32>; 2]>,
}

impl Drop for Captured {
    fn drop(&mut self) {
        let free = self.gate.state.try_lock().is_some();
        self.drops[usize::from(free)].fetch_add(1, Relaxed);
    }
}

#[kunit_tests(baton_event_order)]
mod tests {
    use super::*;

    #[test]
    fn two_ends_of_a_pipe_on_one_event() -> Result {
        let cx = &mut MaySleep::assert();
        assert!(pipe::<Any>(cx)?);
        Ok(())
    }

    /// Nobody overtakes who makes the same claim; others are not in the way.
    #[test]
    fn two_ends_of_a_pipe_first_come_first_served() -> Result {
        let cx = &mut MaySleep::assert();
        assert!(pipe::<Fifo>(cx)?);
        Ok(())
    }

    #[test]
    fn the_default_lets_those_pass_whose_claim_holds() -> Result {
        let cx = &mut MaySleep::assert();
        let regions: Arc<Mutex<Regions>> = Arc::pin_init(
            new_mutex!(pin_init!(Regions { busy <- new_event!([true, false]) })),
            GFP_KERNEL,
        )?;
        let theirs = regions.clone();
        let wants_0 = Thread::spawn(cx, c"event_waiter", move |cx, _| {
            let _ = claim_region(&theirs, cx, 0);
        })?;
        let asleep = until(|| regions.lock_in(cx).busy.waiters() == 1);
        let theirs = regions.clone();
        let owns_0 = Thread::spawn(cx, c"event_waiter", move |cx, _| {
            let _ = claim_region(&theirs, cx, 1);
            let mut held = theirs.lock_in(cx);
            held.as_mut()
                .project()
                .busy
                .update(|busy| *busy = [false; 2]);
        })?;
        let mut hung = 0;
        for thread in [owns_0, wants_0] {
            if let Err(thread) = thread
                .join_timeout(cx, deadline())
                .map_err(|refused| refused.object)
            {
                hung += 1;
                regions.lock_in(cx).as_mut().project().busy.close();
                let _ = thread.join(cx);
            }
        }
        asleep?;
        assert_eq!(hung, 0);
        Ok(())
    }

    /// The audit says whom a waiter is behind that could be served.
    #[test]
    fn audit_names_who_is_ahead() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let large = gate.start(cx, 0, 5, Uninterruptible)?;
        // Its own claim fails too.
        let medium = gate.start(cx, 1, 5, Uninterruptible)?;
        let small = gate.start(cx, 2, 1, Uninterruptible)?;
        let last = gate.start(cx, 3, 1, Uninterruptible)?;
        gate.add(cx, 4);
        let audit = gate.state.lock_in(cx).as_mut().project().credits.audit();
        let pids = (large.task().pid(), small.task().pid());
        gate.add(cx, 8);
        gate.join(cx, [large, medium, small, last])?;
        assert_eq!((audit.sleeping, audit.lost), (4, 0));
        assert_eq!(audit.behind, 2);
        let first = audit.first.ok_or(ENOENT)?;
        assert_eq!((first.ahead, first.pid), pids);
        Ok(())
    }

    #[test]
    fn any_has_nobody_behind() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Any>::new()?;
        let large = gate.start(cx, 0, 5, Uninterruptible)?;
        gate.add(cx, 4);
        let audit = gate.state.lock_in(cx).as_mut().project().credits.audit();
        gate.add(cx, 1);
        gate.join(cx, [large])?;
        assert_eq!((audit.sleeping, audit.lost, audit.behind), (1, 0, 0));
        assert!(audit.first.is_none());
        Ok(())
    }

    /// The third waits for what the second gives, which waits for what the first gives.
    #[test]
    fn a_claim_that_holds_at_once_serves_those_that_it_enables() -> Result {
        let cx = &mut MaySleep::assert();
        let steps: Arc<Mutex<Steps>> = Arc::pin_init(
            new_mutex!(pin_init!(Steps { at <- new_event!(0) })),
            GFP_KERNEL,
        )?;
        let mut threads = KVec::new();
        // The oldest waits for the last step.
        for step in [3, 2, 1] {
            let theirs = steps.clone();
            let thread = Thread::spawn(cx, c"event_waiter", move |cx, _| {
                let _ = pass(&theirs, cx, step, Uninterruptible);
            })?;
            threads.push(thread, GFP_KERNEL)?;
            until(|| steps.lock_in(cx).at.waiters() == threads.len())?;
        }
        let got = pass(&steps, cx, 0, Uninterruptible.timeout(deadline()));
        // All of them have been served by the time that the lock is free.
        let (at, waiters) = {
            let held = steps.lock_in(cx);
            (*held.at, held.at.waiters())
        };
        steps.lock_in(cx).as_mut().project().at.close();
        threads.into_iter().for_each(|thread| {
            let _ = thread.join(cx);
        });
        assert_eq!(got, Ok(()));
        assert_eq!((at, waiters), (4, 0));
        Ok(())
    }

    #[test]
    fn try_claim_serves_those_that_it_enables() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Any>::new()?;
        let waiter = gate.start(cx, 0, 9, Uninterruptible)?;
        let mut held = gate.state.lock_in(cx);
        let claim = baton::event::when(|_: &u32| true, |credits: &mut u32| *credits += 9);
        let got = held.as_mut().project().credits.try_claim(claim).ok();
        let left = held.credits.waiters();
        drop(held);
        gate.join(cx, [waiter])?;
        assert_eq!(got, Some(()));
        assert_eq!(left, 0);
        assert_eq!(gate.ended(0), SERVED);
        Ok(())
    }

    #[test]
    fn try_claim_on_a_closed_event_fails() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Any>::new()?;
        gate.add(cx, 3);
        gate.rescue(cx);
        let mut held = gate.state.lock_in(cx);
        let got = held.as_mut().project().credits.try_claim(take(1)).ok();
        let left = *held.credits;
        drop(held);
        assert_eq!(got, None);
        assert_eq!(left, 3);
        Ok(())
    }

    /// Whoever was served under the lock is told before its holder waits for something below.
    #[test]
    fn who_was_served_is_told_before_the_holder_waits() -> Result {
        let cx = &mut MaySleep::assert();
        let boss = Arc::pin_init(
            pin_init!(Boss {
                outer <- Ordered::new(new_mutex!(pin_init!(Start { go <- new_event!(false) }))),
                inner <- Ordered::new(new_mutex!(pin_init!(End { done <- new_event!(false) }))),
            }),
            GFP_KERNEL,
        )?;
        let theirs = boss.clone();
        let worker = Thread::spawn(cx, c"event_worker", move |cx, _| {
            let go = theirs
                .outer
                .lock_in(cx)
                .on(|start| &start.go)
                .until(|go| *go);
            let _ = go.wait(Uninterruptible);
            let mut held = theirs.inner.lock_in(cx);
            held.as_mut().project().done.update(|done| *done = true);
        })?;
        let asleep = until(|| boss.outer.lock_in(cx).go.waiters() == 1);
        let mut held = boss.outer.lock_in(cx);
        held.update(|start| start.project().go, |go| *go = true);
        let (_, inner) = held.inner();
        let done = boss
            .inner
            .lock_in(inner)
            .on(|end| &end.done)
            .until(|done| *done);
        let got = done.wait(Uninterruptible.timeout(deadline()));
        drop(held);
        boss.outer.lock_in(cx).as_mut().project().go.close();
        let _ = worker.join(cx);
        assert_eq!(asleep, Ok(()));
        assert_eq!(got, Ok(()));
        Ok(())
    }

    /// What was served by [`Held::update`](baton::Held::update) is told after the unlock, or before the
    /// holder takes something else.
    #[test]
    fn who_was_served_is_told_when_the_lock_is_free() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Any>::new()?;
        let mut told = [PENDING; 3];
        for (way, told) in told.iter_mut().enumerate() {
            let waiter = gate.start(cx, way, 1, Uninterruptible)?;
            let mut held = gate.state.lock_in(cx);
            held.update(|s| s.project().credits, |credits| *credits += 1);
            let served = match way {
                // It does not come meanwhile, so there is nothing to gate on.
                0 => {
                    fsleep(Delta::from_millis(10));
                    Ok(())
                }
                1 => {
                    let _ = held.inner();
                    until(|| gate.ended(way) == SERVED)
                }
                _ => {
                    let _ = held.nested();
                    until(|| gate.ended(way) == SERVED)
                }
            };
            *told = gate.ended(way);
            drop(held);
            gate.join(cx, [waiter])?;
            assert_eq!(served, Ok(()));
            assert_eq!(gate.ended(way), SERVED);
        }
        assert_eq!(told, [PENDING, SERVED, SERVED]);
        Ok(())
    }

    #[test]
    fn everybody_who_was_served_is_told() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Any>::new()?;
        let first = gate.start(cx, 0, 1, Uninterruptible)?;
        let second = gate.start(cx, 1, 1, Uninterruptible)?;
        let third = gate.start(cx, 2, 1, Uninterruptible)?;
        let mut held = gate.state.lock_in(cx);
        held.update(|s| s.project().credits, |credits| *credits += 2);
        held.update(|s| s.project().credits, |credits| *credits += 1);
        drop(held);
        gate.join(cx, [first, second, third])?;
        assert_eq!([gate.ended(0), gate.ended(1), gate.ended(2)], [SERVED; 3]);
        Ok(())
    }

    /// Wake-ups for no reason do not begin the time anew.
    #[test]
    fn a_limit_is_that_of_the_whole_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Any>::new()?;
        let waiter = gate.start(cx, 0, 1, Uninterruptible.timeout(msecs_to_jiffies(1000)))?;
        // Far more often than the limit is long; ends when the waiter does.
        let ended = until(|| {
            waiter.task().wake_up();
            gate.ended(0) != PENDING
        });
        let how = gate.ended(0);
        gate.rescue(cx);
        gate.join(cx, [waiter])?;
        assert_eq!(ended, Ok(()));
        assert_eq!(how, TIMED_OUT);
        Ok(())
    }

    /// What a claim has captured is dropped without the lock, whatever came of the wait.
    #[test]
    fn captured_values_are_dropped_without_the_lock() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Any>::new()?;
        let drops = Arc::new([const { Atomic::new(0u32) }; 2], GFP_KERNEL)?;
        let wait = |cx: &mut MaySleep, want: u32| {
            let captured = Captured {
                gate: gate.clone(),
                drops: drops.clone(),
            };
            gate.state
                .lock_in(cx)
                .on(|s| &s.credits)
                .until(move |credits| {
                    let _ = &captured;
                    *credits >= want
                })
                .wait(Interruptible.timeout(1))
        };
        let at_once = wait(cx, 0);
        let timed_out = wait(cx, 1);
        gate.rescue(cx);
        let closed = wait(cx, 0);
        assert_eq!(at_once, Ok(()));
        assert_eq!(timed_out, Err(WaitError::TimedOut));
        assert_eq!(closed, Err(WaitError::Closed));
        assert_eq!(drops[0].load(Relaxed), 0);
        assert_eq!(drops[1].load(Relaxed), 3);
        Ok(())
    }
}

/// Regions of one table.
#[pin_data]
struct Regions {
    #[pin]
    busy: Event<[bool; 2]>,
}

fn claim_region(regions: &Mutex<Regions>, cx: &mut MaySleep, index: usize) -> Result {
    let on = regions.lock_in(cx).on(|regions| &regions.busy);
    on.when(
        move |busy| busy.get(index) == Some(&false),
        move |busy| {
            if let Some(busy) = busy.get_mut(index) {
                *busy = true;
            }
        },
    )
    .wait(Idle)?;
    Ok(())
}

/// A number that each waiter raises by one when it is there.
#[pin_data]
struct Steps {
    #[pin]
    at: Event<u32>,
}

fn pass<M: ModeAt>(
    steps: &Mutex<Steps>,
    cx: &mut MaySleep,
    step: u32,
    mode: M,
) -> Result<(), M::Error> {
    steps
        .lock_in(cx)
        .on(|steps| &steps.at)
        .when(move |at| *at == step, |at| *at += 1)
        .wait(mode)
}
