// SPDX-License-Identifier: GPL-2.0

//! Drains without a gate: what is waited for, and what is not.

use super::{
    join,
    limited,
    until,
    waits, //
};
use baton::{
    drain::{
        new_phased,
        DrainError,
        InFlight,
        Phased, //
    },
    event::{
        Interruptible,
        Killable,
        Mode,
        ModeAt,
        Uninterruptible, //
    },
    testing::Log,
    MaySleep,
    Thread, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic, //
        },
        Arc, //
    },
    time::msecs_to_jiffies, //
};

fn phased() -> Result<Arc<Phased>> {
    Arc::pin_init(new_phased!("drain_kunit_phased"), GFP_KERNEL)
}

/// Waits in a thread of its own; the second value is what it got, or 1 before.
fn waiter<M: ModeAt + Send + 'static>(
    drain: &Arc<Phased>,
    mode: M,
    cx: &mut MaySleep,
) -> Result<(Thread, Arc<Atomic<i32>>)> {
    let drain = drain.clone();
    waits(cx, move |cx| drain.wait_present(cx, mode))
}

#[kunit_tests(baton_drain_phased)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_flight_is_nothing_to_wait_for() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = phased()?;
        for _ in 0..5 {
            drain.begin(cx).end();
            assert_eq!(drain.wait_present(cx, limited()), Ok(()));
        }
        assert_eq!(drain.in_flight(), 0);
        Ok(())
    }

    #[test]
    fn what_begins_meanwhile_is_not_waited_for() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = phased()?;
        // In either phase.
        for _ in 0..3 {
            let before = drain.begin_in_flight();
            let (thread, result) = waiter(&drain, Killable, cx)?;
            let waits = until(|| drain.waiters() == 1);
            let meanwhile = drain.begin(cx);
            let (early, both) = (result.load(Acquire), drain.in_flight());
            before.end();
            let ended = until(|| result.load(Acquire) == 0);
            let left = drain.in_flight();
            // Lets the wait end if it is for this.
            meanwhile.end();
            let came_back = join(thread, cx);
            assert!(waits);
            assert_eq!((early, both), (1, 2));
            assert!(ended && came_back);
            assert_eq!(left, 1);
        }
        Ok(())
    }

    /// Some reference is in flight at every moment.
    #[test]
    fn newcomers_do_not_hold_up_a_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = phased()?;
        let mut in_flight = drain.begin_in_flight();
        let (thread, result) = waiter(&drain, Killable, cx)?;
        let waits = until(|| drain.waiters() == 1);
        let mut least = u64::MAX;
        let ended = until(|| {
            let next = drain.begin_in_flight();
            core::mem::replace(&mut in_flight, next).end();
            least = least.min(drain.in_flight());
            result.load(Acquire) == 0
        });
        in_flight.end();
        let came_back = join(thread, cx);
        assert!(waits && ended && came_back);
        assert_eq!(least, 1);
        Ok(())
    }

    #[test]
    fn the_end_races_with_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = phased()?;
        for _ in 0..300 {
            let reference = drain.begin_in_flight();
            let (thread, result) = waiter(&drain, Killable, cx)?;
            reference.end();
            let ended = join(thread, cx);
            assert!(ended);
            assert_eq!(result.load(Acquire), 0);
        }
        Ok(())
    }

    #[test]
    fn those_who_wait_share() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = phased()?;
        let before = drain.begin_in_flight();
        let (first, first_got) = waiter(&drain, Killable, cx)?;
        let mut waits = until(|| drain.waiters() == 1);
        // They come while the first one waits, and wait for what has begun since it has.
        let since = drain.begin_in_flight();
        let (second, second_got) = waiter(&drain, Killable, cx)?;
        waits &= until(|| drain.waiters() == 2);
        let (third, third_got) = waiter(&drain, Killable, cx)?;
        waits &= until(|| drain.waiters() == 3);
        before.end();
        let mut ended = join(first, cx);
        let early = [second_got.load(Acquire), third_got.load(Acquire)];
        since.end();
        ended &= join(second, cx) & join(third, cx);
        assert!(waits && ended);
        assert_eq!(early, [1, 1]);
        let got = [&first_got, &second_got, &third_got].map(|got| got.load(Acquire));
        assert_eq!(got, [0, 0, 0]);
        // One for the first, and one for both others.
        assert_eq!(drain.flips(), 2);
        Ok(())
    }

    #[test]
    fn a_wait_that_was_given_up_can_be_taken_up() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = phased()?;
        let reference = drain.begin_in_flight();
        let over = drain.wait_present(cx, Uninterruptible.timeout(msecs_to_jiffies(10)));
        let (thread, result) = waiter(&drain, Interruptible, cx)?;
        let mut waits = until(|| drain.waiters() == 1);
        thread.interrupt();
        let mut ended = join(thread, cx);
        let interrupted = result.load(Acquire);
        let (thread, result) = waiter(&drain, Killable, cx)?;
        waits &= until(|| drain.waiters() == 1);
        let early = result.load(Acquire);
        reference.end();
        ended &= join(thread, cx);
        assert_eq!(over, Err(DrainError::TimedOut));
        assert!(waits && ended);
        assert_eq!(interrupted, ERESTARTSYS.to_errno());
        assert_eq!((early, result.load(Acquire)), (1, 0));
        Ok(())
    }

    /// Two sleeps, for the turn and for what is in flight, are one wait.
    #[test]
    fn the_time_is_that_of_the_whole_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = phased()?;
        let first = drain.begin_in_flight();
        let (holder, _) = waiter(&drain, Killable, cx)?;
        let mut waits = until(|| drain.waiters() == 1);
        let second = drain.begin_in_flight();
        let (thread, result) = waiter(&drain, Killable.timeout(msecs_to_jiffies(1000)), cx)?;
        waits &= until(|| drain.waiters() == 2);
        first.end();
        let mut ended = join(holder, cx);
        let over = until(|| result.load(Acquire) != 1);
        second.end();
        ended &= join(thread, cx);
        assert!(waits && over && ended);
        assert_eq!(result.load(Acquire), ETIMEDOUT.to_errno());
        Ok(())
    }

    #[test]
    fn what_is_parked_on_who_waits_is_refused() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = phased()?;
        let parked = drain.begin_in_flight().park().map_err(InFlight::end);
        let refused = drain.wait_present(cx, limited());
        drop(parked);
        assert_eq!(refused, Err(DrainError::Deadlock));
        assert_eq!(drain.wait_present(cx, limited()), Ok(()));
        Ok(())
    }

    /// This task owes what the thread waits for, and would wait for its turn behind it.
    #[test]
    fn a_cycle_through_the_turn_is_refused() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = phased()?;
        let parked = drain.begin_in_flight().park().map_err(InFlight::end);
        let (thread, result) = waiter(&drain, Killable, cx)?;
        let waits = until(|| drain.waiters() == 1);
        let log = Log::here();
        let refused = drain.wait_present(cx, limited());
        let told = log.lines(&["waits for its turn at drain \"drain_kunit_phased\": task "]);
        drop(parked);
        let ended = join(thread, cx);
        assert!(waits && ended);
        assert_eq!(refused, Err(DrainError::Deadlock));
        assert_eq!(told, 1);
        assert_eq!(result.load(Acquire), 0);
        Ok(())
    }

    /// What has begun since is nobody's concern: who waits for the old phase goes on.
    #[test]
    fn what_is_parked_since_is_not_refused() -> Result {
        let cx = &mut MaySleep::assert();
        let (drain, other) = (phased()?, phased()?);
        let before = drain.begin_in_flight();
        let (thread, result) = waiter(&drain, Killable, cx)?;
        let mut waits = until(|| drain.waiters() == 1);
        // The first thread does not depend on this task.
        let parked = drain.begin_in_flight().park().map_err(InFlight::end);
        let elsewhere = other.begin_in_flight();
        let (second, second_got) = waiter(&other, Killable, cx)?;
        waits &= until(|| other.waiters() == 1);
        elsewhere.end();
        let mut ended = join(second, cx);
        before.end();
        ended &= join(thread, cx);
        drop(parked);
        assert!(waits && ended);
        assert_eq!([result.load(Acquire), second_got.load(Acquire)], [0, 0]);
        Ok(())
    }

    #[test]
    fn a_reference_can_outlive_it() -> Result {
        let cx = &mut MaySleep::assert();
        let log = Log::here();
        let drain = phased()?;
        drain.wait_present(cx, limited())?;
        let reference = drain.begin_in_flight();
        // Warns, and does not wait.
        drop(drain);
        reference.end();
        let told = log.lines(&["a drain goes away with 1 references in flight"]);
        assert_eq!(told, 1);
        Ok(())
    }
}
