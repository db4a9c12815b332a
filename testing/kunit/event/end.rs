// SPDX-License-Identifier: GPL-2.0

//! How a wait can end without having been served.

use super::gate::{
    code,
    deadline,
    take,
    until,
    Gate,
    CLOSED,
    ENDED,
    PENDING,
    SERVED,
    SIGNAL, //
};
use baton::{
    event::{
        new_keyed_event,
        Interruptible,
        KeyedEvent,
        Killable,
        Mode,
        Uninterruptible,
        WrongLock, //
    },
    new_event,
    testing::{
        self,
        Place, //
    },
    Closed,
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
    time::{
        delay::fsleep,
        Delta, //
    }, //
};

/// Events that go before their lock does.
#[pin_data]
struct Places {
    #[pin]
    plain: Place<Event<bool>>,
    #[pin]
    keyed: Place<KeyedEvent<[bool; 1]>>,
    /// What is selected if there is nothing there.
    #[pin]
    spare: KeyedEvent<[bool; 1]>,
}

#[kunit_tests(baton_event_end)]
mod tests {
    use super::*;

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
            .on(|s| &s.credits)
            .claim(take(0))
            .wait(Uninterruptible.timeout(deadline()));
        assert_eq!([gate.ended(0), gate.ended(1)], [CLOSED, CLOSED]);
        assert_eq!(later, Err(WaitError::Closed));
        Ok(())
    }

    #[test]
    fn the_present_waits_are_ended_and_not_the_later_ones() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let first = gate.start(cx, 0, 1, Killable)?;
        let second = gate.start(cx, 1, 1, Interruptible)?;
        // Its error has no other name for it.
        let third = gate.start(cx, 2, 1, Uninterruptible)?;
        gate.end_waits(cx);
        gate.join(cx, [first, second, third])?;
        let closed = gate.state.lock_in(cx).credits.is_closed();
        let later = gate.start(cx, 3, 1, Killable)?;
        gate.add(cx, 1);
        gate.join(cx, [later])?;
        let ends = [0, 1, 2, 3].map(|id| gate.ended(id));
        assert_eq!(ends, [ENDED, ENDED, CLOSED, SERVED]);
        assert!(!closed);
        Ok(())
    }

    #[test]
    fn who_was_served_is_not_ended() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let served = gate.start(cx, 0, 1, Killable)?;
        let waits = gate.start(cx, 1, 1, Killable)?;
        {
            // Told after the unlock.
            let mut held = gate.state.lock_in(cx);
            held.update(|s| s.project().credits, |credits| *credits += 1);
            held.as_mut().project().credits.end_waits();
        }
        gate.join(cx, [served, waits])?;
        assert_eq!([gate.ended(0), gate.ended(1)], [SERVED, ENDED]);
        assert_eq!(gate.credits(cx), 0);
        Ok(())
    }

    #[test]
    fn each_end_has_its_error_number() -> Result {
        assert_eq!(Error::from(Closed), ESHUTDOWN);
        assert_eq!(Error::from(WaitError::Closed), ESHUTDOWN);
        assert_eq!(Error::from(WaitError::Ended), ECONNRESET);
        assert_eq!(Error::from(WaitError::Signal), ERESTARTSYS);
        assert_eq!(Error::from(WaitError::Stopped), ECANCELED);
        assert_eq!(Error::from(WaitError::TimedOut), ETIMEDOUT);
        assert_eq!(Error::from(WrongLock), EINVAL);
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
        for _ in 0..20 {
            // The signal itself does not wake it; whatever else does lets it look.
            interrupted.task().wake_up();
            fsleep(Delta::from_millis(1));
        }
        let still = gate.state.lock_in(cx).credits.waiters();
        let killed = gate.start(cx, 1, 1, Killable)?;
        killed.kill();
        gate.gate(cx, 1)?;
        gate.add(cx, 1);
        gate.join(cx, [interrupted, killed])?;
        assert_eq!(still, 1);
        assert_eq!([gate.ended(0), gate.ended(1)], [SERVED, SIGNAL]);
        Ok(())
    }

    #[test]
    fn what_was_granted_wins_over_a_signal() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let waiter = gate.start(cx, 0, 1, Interruptible)?;
        let came = {
            // The signal wakes the waiter, which comes to withdraw, and sleeps on the lock.
            let mut held = gate.state.lock_in(cx);
            waiter.interrupt();
            let came = until(|| testing::state(waiter.task()) == ('D', false)).is_ok();
            held.as_mut()
                .project()
                .credits
                .update(|credits| *credits += 1);
            came
        };
        gate.join(cx, [waiter])?;
        assert!(came);
        assert_eq!(gate.ended(0), SERVED);
        assert_eq!(gate.credits(cx), 0);
        Ok(())
    }

    #[test]
    fn what_was_granted_wins_while_it_is_not_told() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        for round in 0..200 {
            let waiter = gate.start(cx, 0, 1, Interruptible)?;
            {
                // Served under the lock, and told after it: the waiter, which the signal has woken,
                // may come for the lock in between.
                let mut held = gate.state.lock_in(cx);
                waiter.interrupt();
                held.update(|s| s.project().credits, |credits| *credits += 1);
            }
            gate.join(cx, [waiter])?;
            if gate.ended(0) != SERVED {
                pr_err!("round {}: the wait ended with {}\n", round, gate.ended(0));
            }
            assert_eq!(gate.ended(0), SERVED);
        }
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
        let got = gate
            .state
            .lock_in(cx)
            .on(|s| &s.credits)
            .claim(take(1))
            .wait(Uninterruptible.timeout(2));
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

    /// An event cannot die under its sleepers.
    #[test]
    fn an_event_that_goes_ends_its_waits() -> Result {
        let cx = &mut MaySleep::assert();
        let lock: Arc<Mutex<Places>> = Arc::pin_init(
            new_mutex!(pin_init!(Places {
                plain <- Place::new(new_event!(false)),
                keyed <- Place::new(new_keyed_event!([false; 1])),
                spare <- new_keyed_event!([false; 1]),
            })),
            GFP_KERNEL,
        )?;
        let ended = Arc::new([const { Atomic::new(PENDING) }; 2], GFP_KERNEL)?;
        let (theirs, notes) = (lock.clone(), ended.clone());
        let plain = Thread::spawn(cx, c"event_waiter", move |cx, _| {
            let on = theirs.lock_in(cx).on_found(|places| places.plain.get());
            let wait = on.until(|set| *set);
            let result = wait.wait(Uninterruptible.timeout(deadline()));
            notes[0].store(code(result.map(|()| 0)), Relaxed);
        })?;
        let (theirs, notes) = (lock.clone(), ended.clone());
        let keyed = Thread::spawn(cx, c"event_waiter", move |cx, _| {
            let held = theirs.lock_in(cx);
            let on = held.on_key(|places| places.keyed.get().unwrap_or(&places.spare), 0);
            let wait = on.until(|set| *set);
            let result = wait.wait(Uninterruptible.timeout(deadline()));
            notes[1].store(code(result.map(|()| 0)), Relaxed);
        })?;
        let asleep = until(|| {
            let held = lock.lock_in(cx);
            held.plain.get().map(|plain| plain.waiters()) == Some(1)
                && held.keyed.get().map(|keyed| keyed.waiters()) == Some(1)
        });
        let mut held = lock.lock_in(cx);
        let places = held.as_mut().project();
        places.plain.empty();
        places.keyed.empty();
        drop(held);
        let joined = [plain.join(cx).is_ok(), keyed.join(cx).is_ok()];
        let ended = [ended[0].load(Relaxed), ended[1].load(Relaxed)];
        asleep?;
        assert_eq!(joined, [true; 2]);
        assert_eq!(ended, [CLOSED; 2]);
        Ok(())
    }
}
