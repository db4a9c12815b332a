// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of [`Count`]: what is counted, who waits for which number, and what is set aside.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use baton::{
    count::{
        new_count,
        Count,
        Counted,
        Overflow,
        MAX, //
    },
    event::{
        Interruptible,
        Killable,
        Mode,
        ModeAt,
        Timeout,
        Uninterruptible,
        WaitError, //
    },
    level::levels,
    testing::{
        self,
        Log, //
    },
    MaySleep,
    Ordered,
    Thread, //
};
use core::mem::ManuallyDrop;
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
    time::msecs_to_jiffies, //
};
use suite::until;

#[path = "count/aside.rs"]
mod aside;
#[path = "count/numbers.rs"]
mod numbers;

suite!("count_kunit", "KUnit suite of baton's counts");

fn count() -> Result<Arc<Count>> {
    Arc::pin_init(new_count!("count_kunit"), GFP_KERNEL)
}

/// Counts up so often.
fn up(count: &Count, number: usize) -> Result<KVec<Counted>> {
    let mut counted = KVec::with_capacity(number, GFP_KERNEL)?;
    for _ in 0..number {
        counted.push(count.up()?, GFP_KERNEL)?;
    }
    Ok(counted)
}

/// A task that waits for a number, and what came of it: 1 as long as it does, then 0 or the error.
struct Waiter {
    thread: Thread,
    result: Arc<Atomic<i32>>,
}

impl Waiter {
    fn new<M: ModeAt + Send + 'static>(
        count: &Arc<Count>,
        most: u32,
        mode: M,
        cx: &mut MaySleep,
    ) -> Result<Self> {
        let result = Arc::new(Atomic::new(1), GFP_KERNEL)?;
        let (theirs, count) = (result.clone(), count.clone());
        let thread = Thread::spawn(cx, c"count_kunit", move |cx, _| {
            let ended = count.wait_for(cx, most, mode);
            theirs.store(ended.map_or_else(|e| e.into().to_errno(), |()| 0), Release);
        })?;
        Ok(Self { thread, result })
    }

    /// What it got so far.
    fn got(&self) -> i32 {
        self.result.load(Acquire)
    }

    /// Waits until it has got something, and no longer than it takes to see that it will not.
    fn ends(&self) -> bool {
        until(|| self.got() != 1)
    }

    /// Returns what it got in the end; kills it if that does not come.
    fn join(self, cx: &mut MaySleep) -> i32 {
        if let Err(refused) = self.thread.join_timeout(cx, msecs_to_jiffies(10_000)) {
            refused.object.kill();
            let _ = refused.object.join(cx);
        }
        self.result.load(Acquire)
    }
}

/// A wait that is sure to end at once, and ends at last if it does not.
fn limited() -> Timeout<Uninterruptible> {
    Uninterruptible.timeout(msecs_to_jiffies(10_000))
}

levels! {
    /// A count, and what is taken before it and while it is held.
    mod order {
        /// What is held while it is waited for.
        Config,
        /// The count.
        Pending,
        /// What is taken by who has one of them.
        Cache,
    }
}

#[kunit_tests(baton_count)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_counted_down() -> Result {
        let count = count()?;
        let one = count.up()?;
        let two = count.up()?;
        let both = count.get();
        one.down();
        let single = count.get();
        drop(two);
        assert_eq!((both, single, count.get()), (2, 1, 0));
        Ok(())
    }

    #[test]
    fn a_thread_counts_down() -> Result {
        let cx = &mut MaySleep::assert();
        let count = count()?;
        let counted = count.up()?;
        let thread = Thread::spawn(cx, c"count_kunit", move |_, _| counted.down())?;
        let ended = count.wait_for(cx, 0, limited());
        assert!(thread.join(cx).is_ok());
        assert_eq!(ended, Ok(()));
        Ok(())
    }

    #[test]
    fn it_is_counted_down_with_interrupts_off() -> Result {
        let cx = &mut MaySleep::assert();
        let count = count()?;
        let counted = count.up()?;
        let waiter = Waiter::new(&count, 0, Killable, cx)?;
        let waits = until(|| count.waiters() == 1);
        let off = testing::any_context(cx);
        counted.down();
        drop(off);
        let got = waiter.join(cx);
        assert!(waits);
        assert_eq!(got, 0);
        Ok(())
    }

    #[test]
    fn every_down_races_with_a_wait() -> Result {
        let cx = &mut MaySleep::assert();
        for _ in 0..500 {
            let count = count()?;
            let counted = count.up()?;
            let waiter = Waiter::new(&count, 0, Killable, cx)?;
            // The number goes away with the waiter, if that is the last one.
            drop(count);
            counted.down();
            let got = waiter.join(cx);
            assert_eq!(got, 0);
        }
        Ok(())
    }

    #[test]
    fn a_signal_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let count = count()?;
        let counted = count.up()?;
        let waiter = Waiter::new(&count, 0, Interruptible, cx)?;
        let waits = until(|| count.waiters() == 1);
        waiter.thread.interrupt();
        let ends = waiter.ends();
        let left = count.waiters();
        counted.down();
        let got = waiter.join(cx);
        assert!(waits && ends);
        assert_eq!((got, left), (ERESTARTSYS.to_errno(), 0));
        Ok(())
    }

    #[test]
    fn a_stop_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let count = count()?;
        let counted = count.up()?;
        let waiter = Waiter::new(&count, 0, limited(), cx)?;
        let waits = until(|| count.waiters() == 1);
        waiter.thread.request_stop();
        let ends = waiter.ends();
        counted.down();
        let got = waiter.join(cx);
        assert!(waits && ends);
        assert_eq!(got, ECANCELED.to_errno());
        Ok(())
    }

    /// Also if it is woken for no reason, again and again.
    #[test]
    fn the_time_is_that_of_the_whole_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let count = count()?;
        let counted = count.up()?;
        let waiter = Waiter::new(&count, 0, Killable.timeout(msecs_to_jiffies(500)), cx)?;
        let ends = until(|| {
            waiter.thread.task().wake_up();
            waiter.got() != 1
        });
        let left = (count.get(), count.waiters());
        counted.down();
        let got = waiter.join(cx);
        assert!(ends);
        assert_eq!((got, left), (ETIMEDOUT.to_errno(), (1, 0)));
        Ok(())
    }

    #[test]
    fn what_is_in_hand_is_counted_until_it_is_dropped() -> Result {
        let cx = &mut MaySleep::assert();
        let count = count()?;
        let active = count.up_in(cx)?;
        let one = count.get();
        active.down();
        let none = count.get();
        let counted = count.up_in(cx)?.hand_over();
        let handed_over = count.get();
        counted.down();
        let ended = count.wait_for(cx, 0, limited());
        assert_eq!((one, none, handed_over), (1, 0, 1));
        assert_eq!(ended, Ok(()));
        Ok(())
    }

    #[test]
    fn what_stands_below_is_taken_with_it_in_hand() -> Result {
        let cx = &mut MaySleep::assert();
        let pending: Arc<Count<order::Pending>> =
            Arc::pin_init(new_count!("count_kunit_pending"), GFP_KERNEL)?;
        let config: Pin<KBox<Ordered<order::Config, Mutex<u32>>>> = KBox::pin_init(
            Ordered::new(new_mutex!(0u32, "count_kunit_config")),
            GFP_KERNEL,
        )?;
        let cache: Pin<KBox<Ordered<order::Cache, Mutex<u32>>>> = KBox::pin_init(
            Ordered::new(new_mutex!(0u32, "count_kunit_cache")),
            GFP_KERNEL,
        )?;
        {
            let mut active = pending.up_in(cx)?;
            *cache.lock_in(active.inner()) += 1;
        }
        let ended = {
            let mut held = config.lock_in(cx);
            let (_, cx) = held.inner();
            pending.wait_for(cx, 0, limited())
        };
        assert_eq!(ended, Ok(()));
        assert_eq!(*cache.lock_in(cx), 1);
        Ok(())
    }

    /// Lockdep knows afterwards what was held there: see `lockdep-edges.txt`.
    #[test]
    fn what_stands_above_is_held_at_a_throttle() -> Result {
        let cx = &mut MaySleep::assert();
        let throttle: Arc<Count<order::Pending>> =
            Arc::pin_init(new_count!("count_kunit_throttle"), GFP_KERNEL)?;
        let above: Pin<KBox<Ordered<order::Config, Mutex<u32>>>> = KBox::pin_init(
            Ordered::new(new_mutex!(0u32, "count_kunit_above")),
            GFP_KERNEL,
        )?;
        let passed = {
            let mut held = above.lock_in(cx);
            let (_, cx) = held.inner();
            throttle.up_when(cx, 0, limited()).map(Counted::down)
        };
        assert_eq!(passed, Ok(()));
        assert_eq!(throttle.get(), 0);
        Ok(())
    }

    /// Warns, and does not wait.
    #[test]
    fn what_is_counted_can_outlive_its_count() -> Result {
        let log = Log::here();
        drop(count()?);
        let nothing = log.lines(&["count \"count_kunit\" goes away"]);
        let count = count()?;
        let counted = count.up()?;
        drop(count);
        let told = log.lines(&["count \"count_kunit\" goes away with 1 left"]);
        counted.down();
        assert_eq!((nothing, told), (0, 1));
        Ok(())
    }

    /// A forgotten one leaks what it counts, and nothing else.
    #[test]
    fn what_was_forgotten_stays_counted() -> Result {
        let cx = &mut MaySleep::assert();
        let count = count()?;
        let counted = up(&count, 2)?;
        // As if by `mem::forget`, until the end: kmemleak would find it.
        let forgotten = ManuallyDrop::new(count.up()?);
        drop(counted);
        let soon = Uninterruptible.timeout(msecs_to_jiffies(1));
        let (ended, one) = (
            count.wait_for(cx, 0, soon),
            count.wait_for(cx, 1, limited()),
        );
        let left = count.get();
        drop(ManuallyDrop::into_inner(forgotten));
        assert_eq!((ended, one), (Err(WaitError::TimedOut), Ok(())));
        assert_eq!(left, 1);
        Ok(())
    }

    #[test]
    fn there_is_an_end_to_counting() -> Result {
        let cx = &mut MaySleep::assert();
        let count = count()?;
        count.leak(MAX - 1);
        let last = count.up()?;
        let refused = count.up().err();
        let full = count.get();
        let aside = last.set_aside();
        let last = aside.resume().map_err(|_| EINVAL)?;
        let soon = Uninterruptible.timeout(msecs_to_jiffies(1));
        let by_waiting = count.up_when(cx, u32::MAX, soon).err();
        last.down();
        let room = count.up().map(Counted::down);
        let left = count.get();
        count.unleak(MAX - 1);
        assert_eq!((refused, full), (Some(Overflow), MAX));
        assert_eq!(by_waiting, Some(WaitError::TimedOut));
        assert_eq!((room, left), (Ok(()), MAX - 1));
        Ok(())
    }

    /// What tests count without having it.
    #[test]
    fn what_was_leaked_is_taken_back() -> Result {
        let count = count()?;
        let counted = count.up()?;
        count.leak(3);
        let all = count.get();
        count.unleak(2);
        let some = count.get();
        count.unleak(1);
        let one = count.get();
        counted.down();
        assert_eq!((all, some, one), (4, 2, 1));
        assert_eq!(count.get(), 0);
        Ok(())
    }
}
