// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of [`Both`](baton::both::Both): two locks, of which a wait gives up both.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use baton::{
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
    new_event,
    rw_semaphore::{
        new_rw_semaphore,
        RwSemaphore, //
    },
    Either,
    Event,
    LockIn,
    MaySleep,
    Ordered,
    Thread, //
};
use kernel::{
    new_mutex, new_spinlock,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Release, //
        },
        Arc,
        Mutex,
        SpinLock, //
    },
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta, //
    },
};
use suite::until;

suite!("both_kunit", "KUnit suite of waits that give up two locks");

levels! {
    /// What is held outside, and inside.
    mod order {
        /// The mutex outside.
        Config,
        /// The semaphore outside.
        Space,
        /// The lock with the events.
        Stripes,
    }
}

#[pin_data]
struct Stripes {
    #[pin]
    free: Event<u32>,
    #[pin]
    gone: Event<bool>,
}

impl Stripes {
    fn new() -> impl PinInit<Self> {
        pin_init!(Self { free <- new_event!(0), gone <- new_event!(false) })
    }
}

#[pin_data]
struct Array {
    #[pin]
    config: Ordered<order::Config, Mutex<u32>>,
    #[pin]
    space: RwSemaphore<u32, order::Space>,
    #[pin]
    stripes: Ordered<order::Stripes, Mutex<Stripes>>,
    #[pin]
    plain: Mutex<u32>,
    #[pin]
    spin: SpinLock<Stripes>,
    result: Atomic<i32>,
}

fn array() -> Result<Arc<Array>> {
    Arc::pin_init(
        pin_init!(Array {
            config <- Ordered::new(new_mutex!(0u32, "both_kunit_config")),
            space <- new_rw_semaphore!(0u32, "both_kunit_space"),
            stripes <- Ordered::new(new_mutex!(Stripes::new(), "both_kunit_stripes")),
            plain <- new_mutex!(0u32, "both_kunit_plain"),
            spin <- new_spinlock!(Stripes::new(), "both_kunit_spin"),
            result: Atomic::new(1),
        }),
        GFP_KERNEL,
    )
}

impl Array {
    /// Waits until somebody waits for a stripe.
    fn has_waiter(&self, cx: &mut MaySleep) -> bool {
        until(|| self.stripes.lock_in(cx).free.waiters() == 1)
    }

    /// Frees a stripe.
    fn free(&self, cx: &mut MaySleep) {
        let mut held = self.stripes.lock_in(cx);
        held.as_mut().project().free.update(|free| *free += 1);
    }

    fn done(&self, result: Result) {
        self.result
            .store(result.map_or_else(Error::to_errno, |()| 0), Release);
    }

    fn got(&self) -> i32 {
        self.result.load(Acquire)
    }
}

/// Does something with the array in a thread, and notes how it has ended.
fn spawn(
    array: &Arc<Array>,
    cx: &mut MaySleep,
    body: impl FnOnce(&Array, &mut MaySleep) -> Result + Send + 'static,
) -> Result<Thread> {
    let array = array.clone();
    Thread::spawn(cx, c"both_kunit", move |cx, _| array.done(body(&array, cx)))
}

/// Joins a thread that is sure to end, or kills it.
fn join(thread: Thread, cx: &mut MaySleep) {
    if let Err(refused) = thread.join_timeout(cx, msecs_to_jiffies(10_000)) {
        refused.object.kill();
        let _ = refused.object.join(cx);
    }
}

/// Takes a stripe, and changes the configuration with both locks held again.
fn take(array: &Array, cx: &mut MaySleep, mode: impl ModeAt) -> Result {
    let (both, taken) = array
        .config
        .lock_in(cx)
        .and(&array.stripes)
        .on(|stripes| &stripes.free)
        .when(|free| *free > 0, |free| *free -= 1)
        .wait_relock(mode);
    let free = *both.free;
    let mut both = both;
    *both.outer_mut() += 1 + free;
    taken.map_err(Into::into)
}

/// A wait that is sure to end at once, and ends at last if it does not.
fn limited() -> Timeout<Uninterruptible> {
    Uninterruptible.timeout(msecs_to_jiffies(10_000))
}

#[kunit_tests(baton_both)]
mod tests {
    use super::*;

    #[test]
    fn both_are_given_up() -> Result {
        let cx = &mut MaySleep::assert();
        let array = array()?;
        let thread = spawn(&array, cx, |array, cx| take(array, cx, Killable))?;
        let waits = array.has_waiter(cx);
        // The lock that is needed to end the wait.
        let free = until(|| match array.config.try_lock_in(cx) {
            Some(mut config) => {
                *config += 10;
                true
            }
            None => false,
        });
        array.free(cx);
        join(thread, cx);
        let config = *array.config.lock_in(cx);
        assert!(waits && free);
        assert_eq!((array.got(), config), (0, 11));
        Ok(())
    }

    #[test]
    fn what_is_there_is_taken_with_both_held() -> Result {
        let cx = &mut MaySleep::assert();
        let array = array()?;
        array.free(cx);
        let taken = take(&array, cx, limited());
        let config = *array.config.lock_in(cx);
        let free = *array.stripes.lock_in(cx).free;
        assert_eq!((taken, config, free), (Ok(()), 1, 0));
        Ok(())
    }

    #[test]
    fn neither_is_held_by_who_does_not_ask_for_it() -> Result {
        let cx = &mut MaySleep::assert();
        let array = array()?;
        let mut ended = [Ok(()), Err(WaitError::TimedOut)];
        array.free(cx);
        for ended in &mut ended {
            *ended = array
                .config
                .lock_in(cx)
                .and(&array.stripes)
                .on(|stripes| &stripes.free)
                .when(|free| *free > 0, |free| *free -= 1)
                .wait(Uninterruptible.timeout(msecs_to_jiffies(1)));
            let config = array.config.try_lock_in(cx).is_some();
            let stripes = array.stripes.try_lock_in(cx).is_some();
            assert!(config && stripes);
        }
        assert_eq!(ended, [Ok(()), Err(WaitError::TimedOut)]);
        Ok(())
    }

    /// The outer one first: who holds that gets the inner one.
    #[test]
    fn they_are_taken_again_in_their_order() -> Result {
        let cx = &mut MaySleep::assert();
        let array = array()?;
        let thread = spawn(&array, cx, |array, cx| take(array, cx, Killable))?;
        let waits = array.has_waiter(cx);
        let mut config = array.config.lock_in(cx);
        let (_, inner) = config.inner();
        {
            let mut held = array.stripes.lock_in(inner);
            held.as_mut().project().free.update(|free| *free += 1);
        }
        // It does not come, so there is nothing to gate on.
        let mut there = true;
        for _ in 0..50 {
            fsleep(Delta::from_micros(200));
            there &= array.stripes.try_lock_in(inner).is_some();
        }
        drop(config);
        join(thread, cx);
        assert!(waits && there);
        assert_eq!(array.got(), 0);
        Ok(())
    }

    #[test]
    fn a_signal_ends_it_with_both_held() -> Result {
        let cx = &mut MaySleep::assert();
        let array = array()?;
        let thread = spawn(&array, cx, |array, cx| take(array, cx, Interruptible))?;
        let waits = array.has_waiter(cx);
        thread.interrupt();
        let ends = until(|| array.got() != 1);
        let left = array.stripes.lock_in(cx).free.waiters();
        array.free(cx);
        join(thread, cx);
        let config = *array.config.lock_in(cx);
        assert!(waits && ends);
        assert_eq!((array.got(), left, config), (ERESTARTSYS.to_errno(), 0, 1));
        Ok(())
    }

    #[test]
    fn the_end_of_the_event_ends_it() -> Result {
        let cx = &mut MaySleep::assert();
        let array = array()?;
        let thread = spawn(&array, cx, |array, cx| take(array, cx, Killable))?;
        let waits = array.has_waiter(cx);
        array.stripes.lock_in(cx).as_mut().project().free.close();
        join(thread, cx);
        assert!(waits);
        assert_ne!(array.got(), 0);
        assert_ne!(array.got(), 1);
        Ok(())
    }

    /// With a spinlock inside a mutex, neither of which is in an order; and with one of two events.
    #[test]
    fn a_spinlock_needs_no_order() -> Result {
        let cx = &mut MaySleep::assert();
        let array = array()?;
        let thread = spawn(&array, cx, |array, cx| {
            let both = array.plain.lock_in(cx).and(&array.spin);
            let (both, ended) = both
                .on(|stripes| &stripes.free)
                .until(|free| *free > 0)
                .or(|stripes| &stripes.gone)
                .until(|gone| *gone)
                .wait_relock(Killable);
            let mut plain = both.unlock_inner();
            *plain += 1;
            match ended? {
                Either::First(()) => Err(EINVAL),
                Either::Second(()) => Ok(()),
            }
        })?;
        let waits = until(|| array.spin.lock_in(cx).gone.waiters() == 1);
        {
            let mut both = array.plain.lock_in(cx).and(&array.spin);
            both.update(|stripes| stripes.project().gone, |gone| *gone = true);
            *both.outer_mut() += 10;
        }
        join(thread, cx);
        let plain = *array.plain.lock_in(cx);
        assert!(waits);
        assert_eq!((array.got(), plain), (0, 11));
        Ok(())
    }

    /// As `handle_userfault()`: a reader waits, and the writer comes.
    #[test]
    fn a_semaphore_is_given_up_too() -> Result {
        let cx = &mut MaySleep::assert();
        let array = array()?;
        let thread = spawn(&array, cx, |array, cx| {
            let (both, ended) = array
                .space
                .read_in(cx)
                .and(&array.stripes)
                .on(|stripes| &stripes.free)
                .until(|free| *free > 0)
                .wait_relock(Killable);
            let seen = *both.outer();
            drop(both);
            ended?;
            let (both, ended) = array
                .space
                .write_in(cx)
                .and(&array.stripes)
                .on(|stripes| &stripes.free)
                .until(|free| *free > 1)
                .wait_relock(Killable);
            let mut space = both.unlock_inner();
            *space += 1 + seen;
            ended.map_err(Into::into)
        })?;
        let mut waits = array.has_waiter(cx);
        *array.space.write_in(cx) += 10;
        array.free(cx);
        waits &= array.has_waiter(cx);
        *array.space.write_in(cx) += 100;
        array.free(cx);
        join(thread, cx);
        let space = *array.space.read_in(cx);
        assert!(waits);
        assert_eq!((array.got(), space), (0, 121));
        Ok(())
    }

    /// Nothing is lost between the release of the one and that of the other.
    #[test]
    fn every_update_races_with_a_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let array = array()?;
        for _ in 0..300 {
            array.result.store(1, Release);
            let thread = spawn(&array, cx, |array, cx| take(array, cx, Killable))?;
            array.free(cx);
            join(thread, cx);
            let got = array.got();
            assert_eq!(got, 0);
        }
        assert_eq!(*array.config.lock_in(cx), 300);
        Ok(())
    }
}
