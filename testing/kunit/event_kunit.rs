// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of [`Event`]: every form of wait, every way that it ends.
//!
//! The waiters are threads; the test's own task gates on `waiters()` and asserts after it has joined
//! them. No waiter's entry is ever on the stack of the task that asserts.

use baton::{
    event::{
        Interruptible,
        Killable,
        Mode,
        Policy,
        Uninterruptible, //
    },
    new_event,
    Any,
    Closed,
    Event,
    Fifo,
    LockIn,
    MaySleep,
    Thread,
    WaitError, //
};
use kernel::{
    new_mutex, new_spinlock,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        new_spinlock_irq,
        Arc,
        Mutex, //
    },
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta,
        Instant,
        Jiffies,
        Monotonic, //
    },
};

module! {
    type: EventKunit,
    name: "event_kunit",
    authors: ["The baton authors"],
    description: "KUnit suite of baton's events",
    license: "GPL",
}

struct EventKunit;

impl kernel::Module for EventKunit {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}

/// How long a test waits for what must happen before it fails.
fn deadline() -> Jiffies {
    msecs_to_jiffies(10_000)
}

/// How a waiter's wait has ended.
const PENDING: u32 = 0;
const SERVED: u32 = 1;
const CLOSED: u32 = 2;
const SIGNAL: u32 = 3;
const TIMED_OUT: u32 = 4;

fn code<E: Into<WaitError>>(result: Result<u32, E>) -> u32 {
    match result.map_err(Into::into) {
        Ok(_) => SERVED,
        Err(WaitError::Closed) => CLOSED,
        Err(WaitError::Signal) => SIGNAL,
        Err(WaitError::TimedOut) => TIMED_OUT,
    }
}

/// Credits that waiters take, and how the waits of up to four waiters have ended.
#[pin_data]
struct Gate<P: Policy> {
    #[pin]
    state: Mutex<State<P>>,
    ended: [Atomic<u32>; 4],
}

#[pin_data]
struct State<P: Policy> {
    #[pin]
    credits: Event<u32, P>,
    #[pin]
    other: Event<u32, P>,
}

/// Takes as many credits as asked for.
fn take(credits: &mut u32, want: &u32) -> Option<u32> {
    *credits = credits.checked_sub(*want)?;
    Some(*want)
}

impl<P: Policy> Gate<P> {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                state <- new_mutex!(pin_init!(State {
                    credits <- new_event!(0),
                    other <- new_event!(0),
                })),
                ended: [const { Atomic::new(PENDING) }; 4],
            }),
            GFP_KERNEL,
        )
    }

    /// Starts waiter `id`, which wants `want` credits, and returns once it sleeps.
    fn start<M>(
        self: &Arc<Self>,
        cx: &mut MaySleep,
        id: usize,
        want: u32,
        mode: M,
    ) -> Result<Thread>
    where
        M: Mode + Send + 'static,
        M::Error: Into<WaitError>,
    {
        let sleeping = self.state.lock_in(cx).credits.waiters();
        let gate = self.clone();
        let thread = Thread::spawn(cx, c"event_waiter", move |cx, _| {
            let result = gate
                .state
                .lock_in(cx)
                .wait(mode, |s| s.project().credits, take, want);
            gate.ended[id].store(code(result), Relaxed);
        })?;
        self.gate(cx, sleeping + 1)?;
        Ok(thread)
    }

    /// Returns once `count` tasks sleep on the event.
    fn gate(&self, cx: &mut MaySleep, count: usize) -> Result {
        let end = Instant::<Monotonic>::now();
        while self.state.lock_in(cx).credits.waiters() != count {
            if end.elapsed() > Delta::from_secs(10) {
                pr_err!("waited 10 s for {} tasks to sleep on the event\n", count);
                self.rescue(cx);
                return Err(ETIMEDOUT);
            }
            fsleep(Delta::from_micros(100));
        }
        Ok(())
    }

    /// Ends every wait, so that the boot goes on.
    fn rescue(&self, cx: &mut MaySleep) {
        self.state.lock_in(cx).as_mut().project().credits.close();
    }

    /// Joins `threads`, or says which one hangs and rescues it.
    fn join<const N: usize>(&self, cx: &mut MaySleep, threads: [Thread; N]) -> Result {
        let mut hung = false;
        for (number, thread) in threads.into_iter().enumerate() {
            if let Err(thread) = thread.join_timeout(cx, deadline()) {
                pr_err!("thread {} still waits for credits: a hang\n", number);
                hung = true;
                self.rescue(cx);
                thread.join(cx);
            }
        }
        if hung {
            return Err(ETIMEDOUT);
        }
        Ok(())
    }

    fn ended(&self, id: usize) -> u32 {
        self.ended[id].load(Relaxed)
    }

    fn add(&self, cx: &mut MaySleep, amount: u32) {
        self.state
            .lock_in(cx)
            .as_mut()
            .project()
            .credits
            .update(|credits| *credits += amount);
    }

    fn credits(&self, cx: &mut MaySleep) -> u32 {
        *self.state.lock_in(cx).credits
    }
}

#[kunit_tests(baton_event)]
mod tests {
    use super::*;

    #[test]
    fn claim_that_holds_does_not_sleep() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        gate.add(cx, 3);
        let got = gate
            .state
            .lock_in(cx)
            .wait(Uninterruptible, |s| s.project().credits, take, 2);
        assert_eq!(got, Ok(2));
        assert_eq!(gate.credits(cx), 1);
        Ok(())
    }

    #[test]
    fn update_serves_a_sleeper() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let waiter = gate.start(cx, 0, 2, Uninterruptible)?;
        gate.add(cx, 2);
        // Served under the lock by the update, not when the waiter gets to run.
        let left = gate.credits(cx);
        gate.join(cx, [waiter])?;
        assert_eq!(left, 0);
        assert_eq!(gate.ended(0), SERVED);
        Ok(())
    }

    #[test]
    fn update_that_does_not_suffice_serves_nobody() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let waiter = gate.start(cx, 0, 2, Uninterruptible)?;
        gate.add(cx, 1);
        let sleeping = gate.state.lock_in(cx).credits.waiters();
        gate.add(cx, 1);
        gate.join(cx, [waiter])?;
        assert_eq!(sleeping, 1);
        assert_eq!(gate.ended(0), SERVED);
        Ok(())
    }

    #[test]
    fn fifo_does_not_overtake() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let large = gate.start(cx, 0, 5, Uninterruptible)?;
        let small = gate.start(cx, 1, 1, Uninterruptible)?;
        gate.add(cx, 4);
        let behind = gate.state.lock_in(cx).credits.waiters();
        // Nor does one that has not slept yet.
        let barged = gate
            .state
            .lock_in(cx)
            .as_mut()
            .project()
            .credits
            .try_claim(take, &1);
        gate.add(cx, 2);
        gate.join(cx, [large, small])?;
        assert_eq!(behind, 2);
        assert_eq!(barged, None);
        assert_eq!([gate.ended(0), gate.ended(1)], [SERVED, SERVED]);
        assert_eq!(gate.credits(cx), 0);
        Ok(())
    }

    #[test]
    fn any_serves_whoever_can() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Any>::new()?;
        let large = gate.start(cx, 0, 5, Uninterruptible)?;
        let small = gate.start(cx, 1, 1, Uninterruptible)?;
        gate.add(cx, 4);
        let behind = gate.state.lock_in(cx).credits.waiters();
        gate.add(cx, 2);
        gate.join(cx, [large, small])?;
        assert_eq!(behind, 1);
        assert_eq!([gate.ended(0), gate.ended(1)], [SERVED, SERVED]);
        assert_eq!(gate.credits(cx), 0);
        Ok(())
    }

    #[test]
    fn one_update_serves_as_many_as_it_suffices_for() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let first = gate.start(cx, 0, 1, Uninterruptible)?;
        let second = gate.start(cx, 1, 1, Uninterruptible)?;
        let third = gate.start(cx, 2, 1, Uninterruptible)?;
        gate.add(cx, 2);
        let sleeping = gate.state.lock_in(cx).credits.waiters();
        gate.add(cx, 1);
        gate.join(cx, [first, second, third])?;
        assert_eq!(sleeping, 1);
        assert_eq!([gate.ended(0), gate.ended(1), gate.ended(2)], [SERVED; 3]);
        Ok(())
    }

    #[test]
    fn close_ends_every_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let first = gate.start(cx, 0, 1, Uninterruptible)?;
        let second = gate.start(cx, 1, 1, Killable)?;
        gate.rescue(cx);
        gate.join(cx, [first, second])?;
        let later = gate
            .state
            .lock_in(cx)
            .wait(Uninterruptible, |s| s.project().credits, take, 0);
        assert_eq!([gate.ended(0), gate.ended(1)], [CLOSED, CLOSED]);
        assert_eq!(later, Err(Closed));
        Ok(())
    }

    #[test]
    fn drop_ends_every_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let list = Objects::new()?;
        let waiter = list.start_waiter(cx)?;
        // The object is freed with the waiter on its event.
        drop(list.state.lock_in(cx).object.take());
        let hung = waiter.join_timeout(cx, deadline()).is_err();
        assert!(!hung);
        assert_eq!(list.ended.load(Relaxed), CLOSED);
        Ok(())
    }

    #[test]
    fn object_taken_out_of_the_lock_keeps_its_waiter() -> Result {
        let cx = &mut MaySleep::assert();
        let list = Objects::new()?;
        let waiter = list.start_waiter(cx)?;
        let object = list.state.lock_in(cx).object.take();
        // The waiter cannot withdraw from an event that somebody else owns now.
        waiter.interrupt();
        let left = waiter.join_timeout(cx, msecs_to_jiffies(50));
        let ended = list.ended.load(Relaxed);
        // Outside the lock, with the waiter still on it.
        drop(object);
        let hung = match left {
            Ok(()) => true,
            Err(waiter) => waiter.join_timeout(cx, deadline()).is_err(),
        };
        assert_eq!(ended, PENDING);
        assert!(!hung);
        assert_eq!(list.ended.load(Relaxed), CLOSED);
        Ok(())
    }

    #[test]
    fn interruptible_ends_by_a_signal() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let waiter = gate.start(cx, 0, 1, Interruptible)?;
        waiter.interrupt();
        gate.join(cx, [waiter])?;
        assert_eq!(gate.ended(0), SIGNAL);
        assert_eq!(gate.state.lock_in(cx).credits.waiters(), 0);
        Ok(())
    }

    #[test]
    fn killable_ends_by_a_fatal_signal_only() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let interrupted = gate.start(cx, 0, 1, Killable)?;
        interrupted.interrupt();
        let killed = gate.start(cx, 1, 1, Killable)?;
        killed.kill();
        gate.gate(cx, 1)?;
        gate.add(cx, 1);
        gate.join(cx, [interrupted, killed])?;
        assert_eq!([gate.ended(0), gate.ended(1)], [SERVED, SIGNAL]);
        Ok(())
    }

    #[test]
    fn what_was_granted_wins_over_a_signal() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let waiter = gate.start(cx, 0, 1, Interruptible)?;
        {
            // The signal wakes the waiter, which cannot withdraw before the lock is released.
            let mut held = gate.state.lock_in(cx);
            waiter.interrupt();
            held.as_mut()
                .project()
                .credits
                .update(|credits| *credits += 1);
        }
        gate.join(cx, [waiter])?;
        assert_eq!(gate.ended(0), SERVED);
        assert_eq!(gate.credits(cx), 0);
        Ok(())
    }

    #[test]
    fn a_departure_lets_those_behind_it_pass() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        gate.add(cx, 1);
        let large = gate.start(cx, 0, 5, Interruptible)?;
        let small = gate.start(cx, 1, 1, Uninterruptible)?;
        large.interrupt();
        gate.join(cx, [large, small])?;
        assert_eq!([gate.ended(0), gate.ended(1)], [SIGNAL, SERVED]);
        Ok(())
    }

    #[test]
    fn timeout_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let got = gate.state.lock_in(cx).wait(
            Uninterruptible.timeout(2),
            |s| s.project().credits,
            take,
            1,
        );
        assert_eq!(got, Err(WaitError::TimedOut));
        assert_eq!(gate.state.lock_in(cx).credits.waiters(), 0);
        Ok(())
    }

    #[test]
    fn timeout_is_not_taken_when_served() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let waiter = gate.start(cx, 0, 1, Interruptible.timeout(deadline()))?;
        gate.add(cx, 1);
        gate.join(cx, [waiter])?;
        assert_eq!(gate.ended(0), SERVED);
        Ok(())
    }

    #[test]
    fn wait_relock_returns_the_lock() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let (mut held, got) = gate.state.lock_in(cx).wait_relock(
            Interruptible.timeout(1),
            |s| s.project().credits,
            take,
            1,
        );
        held.as_mut()
            .project()
            .credits
            .update(|credits| *credits = 7);
        drop(held);
        assert_eq!(got, Err(WaitError::TimedOut));
        assert_eq!(gate.credits(cx), 7);
        Ok(())
    }

    #[test]
    fn events_under_one_lock_are_apart() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let waiter = gate.start(cx, 0, 1, Uninterruptible)?;
        gate.state
            .lock_in(cx)
            .as_mut()
            .project()
            .other
            .update(|other| *other += 9);
        let sleeping = gate.state.lock_in(cx).credits.waiters();
        gate.add(cx, 1);
        gate.join(cx, [waiter])?;
        assert_eq!(sleeping, 1);
        Ok(())
    }

    #[test]
    fn spinlock_and_irq_safe_spinlock_carry_events() -> Result {
        let cx = &mut MaySleep::assert();
        let spin = KBox::pin_init(
            new_spinlock!(pin_init!(Flag { set <- new_event!(false) })),
            GFP_KERNEL,
        )?;
        let irq = KBox::pin_init(
            new_spinlock_irq!(pin_init!(Flag { set <- new_event!(false) })),
            GFP_KERNEL,
        )?;
        let limit = Uninterruptible.timeout(1);
        let first = spin
            .lock_in(cx)
            .wait(limit, |s| s.project().set, is_set, ());
        let limit = Uninterruptible.timeout(1);
        let second = irq.lock_in(cx).wait(limit, |s| s.project().set, is_set, ());
        spin.lock_in(cx)
            .as_mut()
            .project()
            .set
            .update(|set| *set = true);
        irq.lock_in(cx)
            .as_mut()
            .project()
            .set
            .update(|set| *set = true);
        let third = spin
            .lock_in(cx)
            .wait(Uninterruptible, |s| s.project().set, is_set, ());
        let fourth = irq
            .lock_in(cx)
            .wait(Uninterruptible, |s| s.project().set, is_set, ());
        assert_eq!(first, Err(WaitError::TimedOut));
        assert_eq!(second, Err(WaitError::TimedOut));
        assert_eq!(third, Ok(()));
        assert_eq!(fourth, Ok(()));
        Ok(())
    }

    #[test]
    fn audit_finds_nothing_where_the_types_are_kept() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let waiter = gate.start(cx, 0, 2, Uninterruptible)?;
        gate.add(cx, 1);
        let audit = gate.state.lock_in(cx).as_mut().project().credits.audit();
        gate.add(cx, 1);
        gate.join(cx, [waiter])?;
        assert_eq!(audit.sleeping, 1);
        assert_eq!(audit.lost, 0);
        Ok(())
    }

    #[test]
    fn audit_finds_and_rescues_a_claim_that_reads_a_static() -> Result {
        let cx = &mut MaySleep::assert();
        OUTSIDE.store(false, Relaxed);
        let flag: Arc<Mutex<Flag>> = Arc::pin_init(
            new_mutex!(pin_init!(Flag { set <- new_event!(false) })),
            GFP_KERNEL,
        )?;
        let theirs = flag.clone();
        let waiter = Thread::spawn(cx, c"event_waiter", move |cx, _| {
            let _ =
                theirs
                    .lock_in(cx)
                    .wait(Uninterruptible, |s| s.project().set, is_set_outside, ());
        })?;
        let start = Instant::<Monotonic>::now();
        while flag.lock_in(cx).set.waiters() == 0 && start.elapsed() < Delta::from_secs(10) {
            fsleep(Delta::from_micros(100));
        }
        // The bug: the condition becomes true, and no event was updated.
        OUTSIDE.store(true, Relaxed);
        let before = flag.lock_in(cx).set.waiters();
        let audit = flag.lock_in(cx).as_mut().project().set.audit();
        let hung = waiter.join_timeout(cx, deadline()).is_err();
        assert_eq!(before, 1);
        assert_eq!(audit.lost, 1);
        assert!(!hung);
        Ok(())
    }
}

static OUTSIDE: Atomic<bool> = Atomic::new(false);

/// A claim as it must not be: what it reads is outside the event.
fn is_set_outside(_: &mut bool, _: &()) -> Option<()> {
    OUTSIDE.load(Relaxed).then_some(())
}

#[pin_data]
struct Flag {
    #[pin]
    set: Event<bool>,
}

fn is_set(set: &mut bool, _: &()) -> Option<()> {
    set.then_some(())
}

/// A lock with an object that has an event of its own.
#[pin_data]
struct Objects {
    #[pin]
    state: Mutex<Slot>,
    ended: Atomic<u32>,
}

/// Returns the event of the object in `slot`, if there is one.
fn event_of(slot: &mut Slot) -> Option<Pin<&mut Event<bool>>> {
    Some(slot.object.as_mut()?.as_mut().project().set)
}

struct Slot {
    object: Option<Pin<KBox<Flag>>>,
}

impl Objects {
    /// Starts a waiter on the object's event and returns once it sleeps.
    fn start_waiter(self: &Arc<Self>, cx: &mut MaySleep) -> Result<Thread> {
        let objects = self.clone();
        let thread = Thread::spawn(cx, c"event_waiter", move |cx, _| {
            let result = objects.state.lock_in(cx).wait_found(
                Interruptible,
                |slot| event_of(slot.get_mut()),
                is_set,
                (),
            );
            objects.ended.store(code(result.map(|()| 0)), Relaxed);
        })?;
        let start = Instant::<Monotonic>::now();
        while self.sleeping(cx) == 0 {
            if start.elapsed() > Delta::from_secs(10) {
                return Err(ETIMEDOUT);
            }
            fsleep(Delta::from_micros(100));
        }
        Ok(thread)
    }

    fn sleeping(&self, cx: &mut MaySleep) -> usize {
        self.state
            .lock_in(cx)
            .object
            .as_ref()
            .map_or(0, |object| object.set.waiters())
    }

    fn new() -> Result<Arc<Self>> {
        let object = KBox::pin_init(pin_init!(Flag { set <- new_event!(false) }), GFP_KERNEL)?;
        Arc::pin_init(
            pin_init!(Self {
                state <- new_mutex!(Slot { object: Some(object) }),
                ended: Atomic::new(PENDING),
            }),
            GFP_KERNEL,
        )
    }
}
