// SPDX-License-Identifier: GPL-2.0

//! Who is served: by an update, in which order, under which lock.

use super::gate::{
    deadline,
    take,
    Flag,
    Gate,
    CLOSED,
    SERVED, //
};
use baton::{
    event::{
        Interruptible,
        Mode,
        Policy,
        Uninterruptible, //
    },
    new_event,
    Any,
    Fifo,
    LockIn,
    MaySleep,
    WaitError, //
};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::{
        new_spinlock_irq, //
    }, //
};

#[kunit_tests(baton_event_serve)]
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
            .on(|s| &s.credits)
            .claim(take(2))
            .wait(Uninterruptible.timeout(deadline()));
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
            .try_claim(take(1))
            .ok();
        let on = gate.state.lock_in(cx).on(|s| &s.credits);
        let waited = on.claim(take(1)).wait(Uninterruptible.timeout(1));
        gate.add(cx, 2);
        gate.join(cx, [large, small])?;
        assert_eq!(behind, 2);
        assert_eq!(barged, None);
        assert_eq!(waited, Err(WaitError::TimedOut));
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

    /// Three want one of two: the youngest gets none.
    fn oldest_first<P: Policy>(cx: &mut MaySleep) -> Result {
        let gate = Gate::<P>::new()?;
        let first = gate.start(cx, 0, 1, Uninterruptible)?;
        let second = gate.start(cx, 1, 1, Uninterruptible)?;
        let third = gate.start(cx, 2, 1, Uninterruptible)?;
        gate.add(cx, 2);
        gate.rescue(cx);
        gate.join(cx, [first, second, third])?;
        let ended = [gate.ended(0), gate.ended(1), gate.ended(2)];
        assert_eq!(ended, [SERVED, SERVED, CLOSED]);
        Ok(())
    }

    #[test]
    fn the_oldest_is_served_first() -> Result {
        let cx = &mut MaySleep::assert();
        oldest_first::<Any>(cx)?;
        oldest_first::<Fifo>(cx)
    }

    #[test]
    fn wait_relock_returns_the_lock() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::<Fifo>::new()?;
        let (mut held, got) = gate
            .state
            .lock_in(cx)
            .on(|s| &s.credits)
            .claim(take(1))
            .wait_relock(Interruptible.timeout(1));
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
            .on(|s| &s.set)
            .until(|set| *set)
            .wait(limit);
        let limit = Uninterruptible.timeout(1);
        let held = irq.lock_in(cx);
        let second = held.on(|s| &s.set).until(|set| *set).wait(limit);
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
            .on(|s| &s.set)
            .until(|set| *set)
            .wait(Uninterruptible.timeout(deadline()));
        let fourth = irq
            .lock_in(cx)
            .on(|s| &s.set)
            .until(|set| *set)
            .wait(Uninterruptible.timeout(deadline()));
        assert_eq!(first, Err(WaitError::TimedOut));
        assert_eq!(second, Err(WaitError::TimedOut));
        assert_eq!(third, Ok(()));
        assert_eq!(fourth, Ok(()));
        Ok(())
    }
}
