// SPDX-License-Identifier: GPL-2.0

//! KUnit suites of [`Source`] and of misc devices: who is woken by what, and what it sees then.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use baton::{
    event::{
        when,
        Claim,
        Killable,
        Mode,
        WaitError, //
    },
    misc::{
        Device,
        Operations, //
    },
    poll::{
        new_source,
        Mask,
        Source,
        Watched, //
    },
    testing::{
        self,
        Poller, //
    },
    LockIn,
    MaySleep,
    Thread, //
};
use kernel::{
    fs::File,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Relaxed,
            Release, //
        },
        lock::{
            Backend,
            Lock, //
        },
        new_mutex,
        new_spinlock,
        new_spinlock_irq,
        Arc,
        Mutex, //
    },
    time::msecs_to_jiffies, //
};

#[path = "poll/related.rs"]
mod related;

suite!("poll_kunit", "KUnit suite of baton's poll sources");

type Credits = Source<u32>;

fn credits(amount: u32) -> Result<Arc<Mutex<Credits>>> {
    Arc::pin_init(new_mutex!(new_source!(amount, "poll_kunit")), GFP_KERNEL)
}

/// Two sources under one lock.
#[pin_data]
struct Pair {
    #[pin]
    first: Credits,
    #[pin]
    second: Credits,
}

fn pair() -> Result<Arc<Mutex<Pair>>> {
    Arc::pin_init(
        new_mutex!(
            pin_init!(Pair {
                first <- new_source!(0, "poll_kunit"),
                second <- new_source!(0, "poll_kunit"),
            }),
            "poll_kunit"
        ),
        GFP_KERNEL,
    )
}

/// Takes some, as soon as there are so many.
fn take(amount: u32) -> impl Claim<Watched<u32>, Output = ()> {
    when(
        move |credits: &Watched<u32>| **credits >= amount,
        move |credits: &mut Watched<u32>| **credits -= amount,
    )
}

/// What a file with credits is ready for: to be read if there are any, and written if there are less than two.
fn ready(credits: &u32) -> Mask {
    Mask::when(*credits > 0, Mask::IN) | Mask::when(*credits < 2, Mask::OUT)
}

/// Asks, and has it done `before` when it is about to register.
fn ask_after<B: Backend>(
    poller: &mut Poller,
    cx: &mut MaySleep,
    credits: &Lock<Credits, B>,
    before: impl FnMut(),
) -> Mask {
    poller.ask_after(cx, before, |cx, table| {
        table.watch(cx, credits, |credits| credits, ready)
    })
}

fn ask<B: Backend>(poller: &mut Poller, cx: &mut MaySleep, credits: &Lock<Credits, B>) -> Mask {
    ask_after(poller, cx, credits, || {})
}

/// Asks with a selector that goes by how often it was registered; returns that too.
fn ask_either(cx: &mut MaySleep, is_first: impl Fn(usize) -> bool) -> Result<(Mask, usize)> {
    let (pair, mut poller) = (pair()?, Poller::new(cx)?);
    let registered = Atomic::new(0);
    let seen = poller.ask_after(
        cx,
        || {
            registered.fetch_add(1, Relaxed);
        },
        |cx, table| {
            table.watch(
                cx,
                &pair,
                |pair| {
                    if is_first(registered.load(Relaxed)) {
                        &pair.first
                    } else {
                        &pair.second
                    }
                },
                ready,
            )
        },
    );
    Ok((seen, registered.load(Relaxed)))
}

fn update<B: Backend>(credits: &Lock<Credits, B>, cx: &mut MaySleep, amount: u32) {
    credits
        .lock_in(cx)
        .as_mut()
        .update(|credits| *credits = amount);
}

/// Whether one who polls is told of a change, under whatever lock.
fn is_told<B: Backend>(credits: &Lock<Credits, B>, cx: &mut MaySleep) -> Result<bool> {
    let mut poller = Poller::new(cx)?;
    let before = ask(&mut poller, cx, credits);
    update(credits, cx, 1);
    let after = ask(&mut poller, cx, credits);
    Ok(before == Mask::OUT && poller.woken() == 1 && after == Mask::IN | Mask::OUT)
}

#[kunit_tests(baton_poll)]
mod tests {
    use super::*;

    #[test]
    fn a_change_before_the_poll_is_seen() -> Result {
        let cx = &mut MaySleep::assert();
        let (credits, mut poller) = (credits(0)?, Poller::new(cx)?);
        update(&credits, cx, 1);
        assert_eq!(ask(&mut poller, cx, &credits), Mask::IN | Mask::OUT);
        assert_eq!(poller.woken(), 0);
        Ok(())
    }

    #[test]
    fn a_change_by_who_is_about_to_sleep_wakes_both() -> Result {
        let cx = &mut MaySleep::assert();
        let (credits, mut poller) = (credits(0)?, Poller::new(cx)?);
        let before = ask(&mut poller, cx, &credits);
        let theirs = credits.clone();
        let thread = Thread::spawn(cx, c"poll_kunit", move |cx, _| {
            let _ = theirs
                .lock_in(cx)
                .on(|credits| credits)
                .claim(take(1))
                .wait(Killable.timeout(msecs_to_jiffies(10_000)));
        })?;
        let asleep = suite::until(|| credits.lock_in(cx).waiters() == 1);
        let ((), seen) = testing::sync_wakes(cx, |cx| {
            let mut held = credits.lock_in(cx);
            held.as_mut().update_sync(|credits| *credits = 3);
        });
        let _ = thread.join(cx);
        let left = ****credits.lock_in(cx);
        assert_eq!(before, Mask::OUT);
        assert!(asleep);
        assert_eq!(seen, Some(1));
        assert_eq!(left, 2);
        assert!(poller.woken() >= 1);
        Ok(())
    }

    #[test]
    fn a_change_after_the_poll_wakes() -> Result {
        let cx = &mut MaySleep::assert();
        let (credits, mut poller) = (credits(0)?, Poller::new(cx)?);
        assert_eq!(ask(&mut poller, cx, &credits), Mask::OUT);
        update(&credits, cx, 2);
        assert_eq!(poller.woken(), 1);
        assert_eq!(ask(&mut poller, cx, &credits), Mask::IN);
        Ok(())
    }

    /// Who has not been registered is not woken, and sees the change for that.
    #[test]
    fn a_change_while_it_registers_is_seen() -> Result {
        let (cx, other) = (&mut MaySleep::assert(), &mut MaySleep::assert());
        let (credits, mut poller) = (credits(0)?, Poller::new(cx)?);
        let seen = ask_after(&mut poller, cx, &credits, || update(&credits, other, 2));
        assert_eq!((seen, poller.woken()), (Mask::IN, 0));
        Ok(())
    }

    /// It decides in the end, so that a loop without a limit ends too.
    #[test]
    fn a_selector_that_does_not_decide_is_an_error() -> Result {
        let cx = &mut MaySleep::assert();
        let (seen, registered) =
            ask_either(cx, |registered| registered < 9999 && registered % 2 == 0)?;
        assert_eq!(seen, Mask::ERR);
        assert!(registered > 1);
        Ok(())
    }

    #[test]
    fn a_selector_that_decides_late_is_registered_with_either() -> Result {
        let cx = &mut MaySleep::assert();
        let (seen, registered) = ask_either(cx, |registered| registered < 1)?;
        assert_eq!((seen, registered), (Mask::OUT, 2));
        Ok(())
    }

    #[test]
    fn without_a_change_nobody_is_woken() -> Result {
        let cx = &mut MaySleep::assert();
        let (credits, mut poller) = (credits(0)?, Poller::new(cx)?);
        let first = ask(&mut poller, cx, &credits);
        let looked = ready(&credits.lock_in(cx));
        let tried = credits.lock_in(cx).as_mut().try_claim(take(1)).ok();
        let waited = credits
            .lock_in(cx)
            .on(|credits| credits)
            .claim(take(1))
            .wait(Killable.timeout(1));
        let again = ask(&mut poller, cx, &credits);
        assert_eq!((first, again, looked), (Mask::OUT, Mask::OUT, Mask::OUT));
        assert_eq!((tried, waited), (None, Err(WaitError::TimedOut)));
        assert_eq!(poller.woken(), 0);
        Ok(())
    }

    #[test]
    fn a_taking_without_a_wait_wakes() -> Result {
        let cx = &mut MaySleep::assert();
        let (credits, mut poller) = (credits(2)?, Poller::new(cx)?);
        let first = ask(&mut poller, cx, &credits);
        let taken = credits.lock_in(cx).as_mut().try_claim(take(1)).ok();
        assert_eq!((first, taken, poller.woken()), (Mask::IN, Some(()), 1));
        let taken = credits
            .lock_in(cx)
            .on(|credits| credits)
            .claim(take(1))
            .wait(Killable);
        assert_eq!((taken, poller.woken()), (Ok(()), 2));
        assert_eq!(ask(&mut poller, cx, &credits), Mask::OUT);
        Ok(())
    }

    /// What a task that sleeps takes is taken by whoever makes it possible.
    #[test]
    fn a_taking_on_behalf_of_a_sleeper_wakes() -> Result {
        let cx = &mut MaySleep::assert();
        let (credits, mut poller) = (credits(0)?, Poller::new(cx)?);
        let theirs = credits.clone();
        let thread = Thread::spawn(cx, c"poll_kunit", move |cx, _stop| {
            let held = theirs.lock_in(cx);
            let _ = held.on(|credits| credits).claim(take(3)).wait(Killable);
        })?;
        let asleep = suite::until(|| credits.lock_in(cx).waiters() == 1);
        let first = ask(&mut poller, cx, &credits);
        update(&credits, cx, 3);
        let woken = poller.woken();
        let joined = thread
            .join_timeout(cx, msecs_to_jiffies(10_000))
            .map_err(|refused| {
                refused.object.kill();
                let _ = refused.object.join(cx);
            });
        let last = ask(&mut poller, cx, &credits);
        assert!(asleep && joined.is_ok());
        assert_eq!((first, last, woken), (Mask::OUT, Mask::OUT, 2));
        Ok(())
    }

    #[test]
    fn everybody_who_polls_is_woken() -> Result {
        let cx = &mut MaySleep::assert();
        let credits = credits(0)?;
        let (mut one, mut other) = (Poller::new(cx)?, Poller::new(cx)?);
        ask(&mut one, cx, &credits);
        ask(&mut other, cx, &credits);
        update(&credits, cx, 2);
        assert_eq!((one.woken(), other.woken()), (1, 1));
        drop(one);
        update(&credits, cx, 1);
        assert_eq!(other.woken(), 2);
        assert_eq!(ask(&mut other, cx, &credits), Mask::IN | Mask::OUT);
        Ok(())
    }

    #[test]
    fn a_close_hangs_up() -> Result {
        let cx = &mut MaySleep::assert();
        let (credits, mut poller) = (credits(0)?, Poller::new(cx)?);
        ask(&mut poller, cx, &credits);
        credits.lock_in(cx).as_mut().close();
        let woken = poller.woken();
        let seen = ask(&mut poller, cx, &credits);
        assert_eq!((woken, seen), (1, Mask::OUT | Mask::HUP));
        let late = ask(&mut Poller::new(cx)?, cx, &credits);
        assert_eq!(late, Mask::OUT | Mask::HUP);
        Ok(())
    }

    #[test]
    fn an_end_of_the_waits_is_looked_at() -> Result {
        let cx = &mut MaySleep::assert();
        let (credits, mut poller) = (credits(0)?, Poller::new(cx)?);
        ask(&mut poller, cx, &credits);
        credits.lock_in(cx).as_mut().end_waits();
        let woken = poller.woken();
        let seen = ask(&mut poller, cx, &credits);
        update(&credits, cx, 1);
        let later = ask(&mut poller, cx, &credits);
        assert_eq!((woken, seen), (1, Mask::OUT));
        // It goes on as before.
        assert_eq!(later, Mask::IN | Mask::OUT);
        Ok(())
    }

    /// `poll()` stays where it is registered, whatever becomes of what it polled.
    #[test]
    fn who_polls_outlives_the_source() -> Result {
        let cx = &mut MaySleep::assert();
        let (credits, mut poller) = (credits(0)?, Poller::new(cx)?);
        ask(&mut poller, cx, &credits);
        drop(credits);
        assert_eq!(poller.woken(), 1);
        drop(poller);
        Ok(())
    }

    #[test]
    fn spinlocks_carry_sources() -> Result {
        let cx = &mut MaySleep::assert();
        let spin = Arc::pin_init(new_spinlock!(new_source!(0)), GFP_KERNEL)?;
        let irq = Arc::pin_init(new_spinlock_irq!(new_source!(0)), GFP_KERNEL)?;
        assert!(is_told(&spin, cx)?);
        assert!(is_told(&irq, cx)?);
        Ok(())
    }
}

/// Counts how often it was dropped.
struct Counted(Arc<Atomic<i32>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Release);
    }
}

/// A file that can do nothing.
struct Nothing;

#[vtable]
impl Operations for Nothing {
    type Data = Counted;

    fn open(_data: &Arc<Counted>, _file: &File) -> Result<Self> {
        Ok(Self)
    }
}

/// Registers a device, whose data is counted when it is dropped.
fn register(cx: &mut MaySleep, dropped: &Arc<Atomic<i32>>) -> Result<Device<Nothing>> {
    let data = Arc::new(Counted(dropped.clone()), GFP_KERNEL)?;
    Device::register(cx, c"misc_kunit", data)
}

/// A file that deregisters its device when it is opened.
struct EndsIt;

#[vtable]
impl Operations for EndsIt {
    type Data = Mutex<Option<Device<Self>>>;

    fn open(data: &Arc<Self::Data>, _file: &File) -> Result<Self> {
        // ENTRY: a system call of the test's.
        let cx = &mut MaySleep::assert();
        let device = data.lock_in(cx).take().ok_or(ENODEV)?;
        device.deregister(cx).map_err(|refused| {
            let error = refused.error;
            *data.lock_in(cx) = Some(refused.object);
            error
        })?;
        Ok(Self)
    }
}

/// A file that has what its device shares.
struct Keeps(#[allow(dead_code, reason = "is dropped")] Arc<Counted>);

#[vtable]
impl Operations for Keeps {
    type Data = Counted;

    fn open(data: &Arc<Counted>, _file: &File) -> Result<Self> {
        Ok(Self(data.clone()))
    }
}

#[kunit_tests(baton_misc)]
mod misc_tests {
    use super::*;

    #[test]
    fn a_device_that_is_deregistered_leaves_its_name_and_its_data() -> Result {
        let cx = &mut MaySleep::assert();
        let dropped = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        for round in 0..2 {
            let device = register(cx, &dropped)?;
            let before = dropped.load(Acquire);
            device.deregister(cx)?;
            assert_eq!((before, dropped.load(Acquire)), (round, round + 1));
        }
        Ok(())
    }

    #[test]
    fn a_device_is_not_deregistered_by_who_opens_it() -> Result {
        let cx = &mut MaySleep::assert();
        let data = Arc::pin_init(new_mutex!(None), GFP_KERNEL)?;
        let device = Device::<EndsIt>::register(cx, c"misc_kunit", data.clone())?;
        *data.lock_in(cx) = Some(device);
        let opened = testing::open(cx, c"/dev/misc_kunit");
        let device = data.lock_in(cx).take();
        device.ok_or(ENODEV)?.deregister(cx)?;
        assert_eq!(opened, Err(EDEADLK));
        Ok(())
    }

    /// By the reaper, after a while.
    #[test]
    fn a_device_that_is_dropped_is_deregistered() -> Result {
        let cx = &mut MaySleep::assert();
        let dropped = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        drop(register(cx, &dropped)?);
        let gone = suite::until(|| dropped.load(Acquire) == 1);
        let again = register(cx, &dropped)?.deregister(cx);
        assert!(gone && again.is_ok());
        Ok(())
    }

    #[test]
    fn a_file_that_is_closed_is_dropped() -> Result {
        let cx = &mut MaySleep::assert();
        let dropped = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let data = Arc::new(Counted(dropped.clone()), GFP_KERNEL)?;
        let device = Device::<Keeps>::register(cx, c"misc_kunit", data)?;
        let opened = testing::open(cx, c"/dev/misc_kunit");
        let deregistered = device.deregister(cx).is_ok();
        // What a kernel thread has closed is released by a worker.
        let gone = suite::until(|| dropped.load(Acquire) == 1);
        assert_eq!(opened, Ok(()));
        assert!(deregistered && gone);
        Ok(())
    }
}
