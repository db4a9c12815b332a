// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of [`RwSemaphore`]: who shares it, who waits, and how a wait ends.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use baton::{
    rw_semaphore::{
        new_rw_semaphore,
        RwSemaphore, //
    },
    MaySleep,
    Thread, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Release, //
        },
        Arc, //
    },
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta, //
    },
};

#[path = "rw_semaphore/event.rs"]
mod event;

suite!(
    "rw_semaphore_kunit",
    "KUnit suite of baton's read-write semaphores"
);

type Semaphore = RwSemaphore<u32>;

fn semaphore() -> Result<Arc<Semaphore>> {
    Arc::pin_init(new_rw_semaphore!(7, "rw_semaphore_kunit"), GFP_KERNEL)
}

/// What a thread has come to: 1 when it has begun, then 2 with success, or its error.
type Outcome = Arc<Atomic<i32>>;

/// Does something with the semaphore in a thread of its own.
fn spawn(
    semaphore: &Arc<Semaphore>,
    cx: &mut MaySleep,
    body: fn(&Semaphore, &mut MaySleep) -> Result,
) -> Result<(Thread, Outcome)> {
    let outcome = Arc::new(Atomic::new(0), GFP_KERNEL)?;
    let (theirs, semaphore) = (outcome.clone(), semaphore.clone());
    let thread = Thread::spawn(cx, c"rwsem_kunit", move |cx, _| {
        theirs.store(1, Release);
        let ended = body(&semaphore, cx);
        theirs.store(ended.map_or_else(Error::to_errno, |()| 2), Release);
    })?;
    Ok((thread, outcome))
}

/// Joins a thread that is sure to end; kills it until it has, if it does not.
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

/// Joins a thread that is sure to end although `held` is held; lets go of that, and returns false, if not.
fn join_with<G>(thread: Thread, held: G, cx: &mut MaySleep) -> bool {
    let joined = thread.join_timeout(cx, msecs_to_jiffies(10_000));
    drop(held);
    match joined {
        Ok(()) => true,
        Err(refused) => {
            let _ = refused.object.join(cx);
            false
        }
    }
}

/// Waits until the thread has begun, for two seconds at most.
fn begun(outcome: &Outcome) -> bool {
    for _ in 0..20_000 {
        if outcome.load(Acquire) != 0 {
            return true;
        }
        fsleep(Delta::from_micros(100));
    }
    false
}

fn read(semaphore: &Semaphore, cx: &mut MaySleep) -> Result {
    drop(semaphore.read_killable_in(cx)?);
    Ok(())
}

fn write(semaphore: &Semaphore, cx: &mut MaySleep) -> Result {
    *semaphore.write_killable_in(cx)? += 1;
    Ok(())
}

#[kunit_tests(baton_rw_semaphore)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() -> Result {
        let cx = &mut MaySleep::assert();
        let semaphore = semaphore()?;
        *semaphore.write_in(cx) += 1;
        *semaphore.write_in(cx).inner().0 += 1;
        let plain = *semaphore.read_in(cx);
        let inner = *semaphore.read_in(cx).inner().0;
        assert_eq!((plain, inner), (9, 9));
        Ok(())
    }

    #[test]
    fn readers_share_it() -> Result {
        let cx = &mut MaySleep::assert();
        let (semaphore, other) = (semaphore()?, &mut MaySleep::assert());
        let held = semaphore.read_in(cx);
        let (thread, outcome) = spawn(&semaphore, other, read)?;
        let joined = join_with(thread, held, other);
        assert!(joined);
        assert_eq!(outcome.load(Acquire), 2);
        Ok(())
    }

    #[test]
    fn a_writer_waits_for_the_reader() -> Result {
        let cx = &mut MaySleep::assert();
        let (semaphore, other) = (semaphore()?, &mut MaySleep::assert());
        let held = semaphore.read_in(cx);
        let (thread, outcome) = spawn(&semaphore, other, write)?;
        let begun = begun(&outcome);
        let (before, seen) = (outcome.load(Acquire), *held);
        drop(held);
        let joined = join(thread, other);
        let after = *semaphore.read_in(cx);
        assert!(begun && joined);
        assert_eq!((before, seen, after), (1, 7, 8));
        Ok(())
    }

    /// But for those that say so, waits are not to be interrupted.
    #[test]
    fn a_fatal_signal_does_not_end_the_plain_waits() -> Result {
        let cx = &mut MaySleep::assert();
        let (semaphore, other) = (semaphore()?, &mut MaySleep::assert());
        let plain: [fn(&Semaphore, &mut MaySleep) -> Result; 2] = [
            |semaphore, cx| {
                let seen = *semaphore.read_in(cx);
                if seen == 8 {
                    Ok(())
                } else {
                    Err(EBUSY)
                }
            },
            |semaphore, cx| {
                let mut held = semaphore.write_in(cx);
                *held += 1;
                if *held == 9 {
                    Ok(())
                } else {
                    Err(EBUSY)
                }
            },
        ];
        for body in plain {
            let mut held = semaphore.write_in(cx);
            let (thread, outcome) = spawn(&semaphore, other, body)?;
            let begun = begun(&outcome);
            thread.kill();
            // It does not end, so there is nothing to gate on.
            fsleep(Delta::from_millis(10));
            let before = outcome.load(Acquire);
            if *held == 7 {
                *held += 1;
            }
            drop(held);
            let joined = join(thread, other);
            assert!(begun && joined);
            assert_eq!((before, outcome.load(Acquire)), (1, 2));
        }
        Ok(())
    }

    #[test]
    fn a_fatal_signal_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let (semaphore, other) = (semaphore()?, &mut MaySleep::assert());
        for body in [read, write] {
            let held = semaphore.write_in(cx);
            let (thread, outcome) = spawn(&semaphore, other, body)?;
            let begun = begun(&outcome);
            thread.kill();
            let joined = join_with(thread, held, other);
            assert!(begun && joined);
            assert_eq!(outcome.load(Acquire), EINTR.to_errno());
        }
        assert_eq!(*semaphore.read_in(cx), 7);
        Ok(())
    }
}
