// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of [`Drain`]: what is in flight, who waits for it, and who must not.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use baton::{
    drain::{
        new_drain,
        new_phased,
        Drain,
        DrainError,
        Phased, //
    },
    event::{
        Interruptible,
        Killable,
        Mode,
        ModeAt,
        Timeout,
        Uninterruptible, //
    },
    level::{
        levels,
        Unordered, //
    },
    testing,
    MaySleep,
    Ordered,
    Thread, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Release, //
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
use suite::until;

#[path = "drain/cycles.rs"]
mod cycles;
#[path = "drain/gate.rs"]
mod gate;
#[path = "drain/log.rs"]
mod log;
#[path = "drain/nested.rs"]
mod nested;
#[path = "drain/parked.rs"]
mod parked;
#[path = "drain/phased.rs"]
mod phased;

suite!("drain_kunit", "KUnit suite of baton's drains");

fn drain() -> Result<Arc<Drain>> {
    Arc::pin_init(new_drain!("drain_kunit"), GFP_KERNEL)
}

/// Waits for the drain in a thread of its own; the second value is what it got, or 1 before.
fn waiter<M: ModeAt<Unordered> + Send + 'static>(
    drain: &Arc<Drain>,
    mode: M,
    cx: &mut MaySleep,
) -> Result<(Thread, Arc<Atomic<i32>>)> {
    let drain = drain.clone();
    waits(cx, move |cx| drain.shut(cx, Killable)?.wait(mode))
}

/// Does a wait in a thread of its own; the second value is what it got, or 1 before.
fn waits(
    cx: &mut MaySleep,
    wait: impl FnOnce(&mut MaySleep) -> Result<(), DrainError> + Send + 'static,
) -> Result<(Thread, Arc<Atomic<i32>>)> {
    let result = Arc::new(Atomic::new(1), GFP_KERNEL)?;
    let theirs = result.clone();
    let thread = Thread::spawn(cx, c"drain_kunit", move |cx, _| {
        theirs.store(
            wait(cx).map_or_else(|e| Error::from(e).to_errno(), |()| 0),
            Release,
        );
    })?;
    Ok((thread, result))
}

/// Waits until the gate is shut, for ten seconds at most: then somebody waits, or is about to.
fn until_shut(drain: &Drain) -> bool {
    for _ in 0..100_000 {
        match drain.try_begin() {
            Ok(reference) => reference.end(),
            Err(_) => return true,
        }
        fsleep(Delta::from_micros(100));
    }
    false
}

/// A wait that is sure to end at once, and ends at last if it does not.
fn limited() -> Timeout<Uninterruptible> {
    Uninterruptible.timeout(msecs_to_jiffies(10_000))
}

/// Joins a thread that is sure to end, or kills it.
fn join(thread: Thread, cx: &mut MaySleep) -> bool {
    match thread
        .join_timeout(cx, msecs_to_jiffies(10_000))
        .map_err(|refused| refused.object)
    {
        Ok(()) => true,
        Err(thread) => {
            thread.kill();
            let _ = thread.join(cx);
            false
        }
    }
}

/// How far a thread has come, and how far it may go.
struct Step(Arc<Atomic<u32>>);

impl Step {
    fn get(&self) -> u32 {
        self.0.load(Acquire)
    }

    fn set(&self, step: u32) {
        self.0.store(step, Release);
    }
}

/// Shuts the gate in a thread of its own, whose step is 1 then, and opens it at step 2.
fn holder(drain: &Arc<Drain>, cx: &mut MaySleep) -> Result<(Thread, Step)> {
    let step = Arc::new(Atomic::new(0), GFP_KERNEL)?;
    let (theirs, drain) = (Step(step.clone()), drain.clone());
    let thread = Thread::spawn(cx, c"drain_kunit", move |cx, _| {
        if let Ok(shut) = drain.shut(cx, limited()) {
            theirs.set(1);
            until(|| theirs.get() == 2);
            drop(shut);
        }
    })?;
    Ok((thread, Step(step)))
}

levels! {
    /// Two drains, one below the other, and what is taken before and in them.
    mod order {
        /// What a request takes first.
        Config,
        /// The requests of a device.
        Requests,
        /// Those of the device below it.
        Lower,
        /// What is taken in any of them.
        Cache,
    }
}

#[kunit_tests(baton_drain)]
mod tests {
    use super::*;

    #[test]
    fn references_are_counted() -> Result {
        let drain = drain()?;
        let one = drain.try_begin()?;
        let two = drain.try_begin()?;
        assert_eq!(drain.in_flight(), 2);
        one.end();
        drop(two);
        assert_eq!(drain.in_flight(), 0);
        Ok(())
    }

    #[test]
    fn the_wait_ends_with_the_last_reference() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let one = drain.try_begin()?;
        let two = drain.try_begin()?;
        let (thread, result) = waiter(&drain, Killable, cx)?;
        let waits = until(|| drain.waiters() == 1);
        one.end();
        let early = (result.load(Acquire), drain.waiters());
        two.end();
        let ended = join(thread, cx);
        assert!(waits);
        assert_eq!(early, (1, 1));
        assert_eq!(drain.waiters(), 0);
        assert!(ended);
        assert_eq!(result.load(Acquire), 0);
        Ok(())
    }

    #[test]
    fn a_thread_ends_it() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let reference = drain.try_begin()?;
        let thread = Thread::spawn(cx, c"drain_kunit", move |_, _| reference.end())?;
        let mut shut = drain.shut(cx, Uninterruptible)?;
        assert_eq!(shut.wait(limited()), Ok(()));
        drop(shut);
        assert!(thread.join(cx).is_ok());
        Ok(())
    }

    #[test]
    fn it_is_ended_with_interrupts_off() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let reference = drain.try_begin()?;
        let (thread, result) = waiter(&drain, Killable, cx)?;
        let shut = until_shut(&drain);
        let off = testing::any_context(cx);
        reference.end();
        drop(off);
        let ended = join(thread, cx);
        assert!(shut);
        assert!(ended);
        assert_eq!(result.load(Acquire), 0);
        Ok(())
    }

    #[test]
    fn every_end_races_with_a_wait() -> Result {
        let cx = &mut MaySleep::assert();
        for _ in 0..500 {
            let drain = drain()?;
            let reference = drain.try_begin()?;
            let (thread, result) = waiter(&drain, Killable, cx)?;
            reference.end();
            let ended = join(thread, cx);
            assert!(ended);
            assert_eq!(result.load(Acquire), 0);
        }
        Ok(())
    }

    #[test]
    fn a_signal_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let reference = drain.try_begin()?;
        let (thread, result) = waiter(&drain, Interruptible, cx)?;
        let shut = until_shut(&drain);
        thread.interrupt();
        let ended = thread
            .join_timeout(cx, msecs_to_jiffies(10_000))
            .map_err(|refused| refused.object);
        let open = drain.try_begin().is_ok();
        // Lets it go if the signal has not.
        reference.end();
        let in_time = match ended {
            Ok(()) => true,
            Err(thread) => {
                join(thread, cx);
                false
            }
        };
        assert!(shut);
        assert!(in_time);
        assert_eq!(result.load(Acquire), ERESTARTSYS.to_errno());
        assert!(open);
        Ok(())
    }

    #[test]
    fn the_time_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let reference = drain.try_begin()?;
        // Can be killed if its time has no end.
        let (thread, result) = waiter(&drain, Killable.timeout(msecs_to_jiffies(10)), cx)?;
        let ended = join(thread, cx);
        let counted = drain.in_flight();
        reference.end();
        let mut shut = drain.shut(cx, limited())?;
        let drained = shut.wait(limited());
        assert!(ended);
        assert_eq!(result.load(Acquire), ETIMEDOUT.to_errno());
        assert_eq!(counted, 1);
        assert_eq!(drained, Ok(()));
        Ok(())
    }

    /// Also if it is woken for no reason, again and again.
    #[test]
    fn the_time_is_that_of_the_whole_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let reference = drain.try_begin()?;
        let (thread, result) = waiter(&drain, Killable.timeout(msecs_to_jiffies(500)), cx)?;
        let shut = until_shut(&drain);
        let ended = until(|| {
            thread.task().wake_up();
            result.load(Acquire) != 1
        });
        let got = result.load(Acquire);
        let came_back = join(thread, cx);
        reference.end();
        assert!(shut);
        assert!(ended);
        assert_eq!(got, ETIMEDOUT.to_errno());
        assert!(came_back);
        Ok(())
    }

    #[test]
    fn an_active_reference_is_counted_until_it_ends() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let active = drain.begin(cx)?;
        let one = drain.in_flight();
        active.end();
        let none = drain.in_flight();
        let in_flight = drain.begin(cx)?.hand_over();
        let handed_over = drain.in_flight();
        let mut shut = drain.shut(cx, limited())?;
        let refused = drain.begin(&mut MaySleep::assert()).err();
        in_flight.end();
        let ended = shut.wait(limited());
        assert_eq!((one, none, handed_over), (1, 0, 1));
        assert_eq!(refused, Some(DrainError::Shut));
        assert_eq!(ended, Ok(()));
        Ok(())
    }

    #[test]
    fn what_stands_below_is_taken_in_it() -> Result {
        let cx = &mut MaySleep::assert();
        let upper: Arc<Drain<order::Requests>> =
            Arc::pin_init(new_drain!("drain_kunit_upper"), GFP_KERNEL)?;
        let lower: Arc<Drain<order::Lower>> =
            Arc::pin_init(new_drain!("drain_kunit_lower"), GFP_KERNEL)?;
        let gate: Arc<Drain<order::Requests>> =
            Arc::pin_init(new_drain!("drain_kunit_gate"), GFP_KERNEL)?;
        let below: Arc<Drain<order::Lower>> =
            Arc::pin_init(new_drain!("drain_kunit_gate_below"), GFP_KERNEL)?;
        let config: Pin<KBox<Ordered<order::Config, Mutex<u32>>>> = KBox::pin_init(
            Ordered::new(new_mutex!(0u32, "drain_kunit_config")),
            GFP_KERNEL,
        )?;
        let cache: Pin<KBox<Ordered<order::Cache, Mutex<u32>>>> = KBox::pin_init(
            Ordered::new(new_mutex!(0u32, "drain_kunit_cache")),
            GFP_KERNEL,
        )?;
        {
            let mut held = config.lock_in(cx);
            let (_, cx) = held.inner();
            let mut request = upper.begin_when_open(cx, limited())?;
            let mut below = lower.begin_when_open(request.inner(), limited())?;
            *cache.lock_in(below.inner()) += 1;
        }
        let none = (upper.in_flight(), lower.in_flight());
        {
            let mut shut = gate.shut(cx, limited())?;
            shut.wait(limited())?;
            let mut shut = below.shut(shut.inner(), limited())?;
            shut.wait(limited())?;
            *cache.lock_in(shut.inner()) += 1;
        }
        let open = gate.try_begin().is_ok() && below.try_begin().is_ok();
        assert_eq!(none, (0, 0));
        assert!(open);
        assert_eq!(*cache.lock_in(cx), 2);
        Ok(())
    }

    /// Lockdep knows afterwards what was held in the waits: see `lockdep-edges.txt`.
    #[test]
    fn what_stands_above_is_held_in_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let gate: Arc<Drain<order::Requests>> =
            Arc::pin_init(new_drain!("drain_kunit_owned_gate"), GFP_KERNEL)?;
        let present: Arc<Phased<order::Requests>> =
            Arc::pin_init(new_phased!("drain_kunit_present"), GFP_KERNEL)?;
        let above: Pin<KBox<Ordered<order::Config, Mutex<u32>>>> = KBox::pin_init(
            Ordered::new(new_mutex!(0u32, "drain_kunit_above")),
            GFP_KERNEL,
        )?;
        let (shut, waited) = {
            let mut held = above.lock_in(cx);
            let (_, cx) = held.inner();
            let shut = Drain::shut_owned(gate.as_arc_borrow(), cx, limited()).map(drop);
            (shut, present.wait_present(cx, limited()))
        };
        assert_eq!((shut, waited), (Ok(()), Ok(())));
        assert!(gate.try_begin().is_ok());
        assert_eq!(present.flips(), 1);
        Ok(())
    }

    #[test]
    fn a_reference_can_outlive_its_drain() -> Result {
        let drain = drain()?;
        let reference = drain.try_begin()?;
        // Warns, and does not wait.
        drop(drain);
        reference.end();
        Ok(())
    }
}
