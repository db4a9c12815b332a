// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of [`Thread`]: joined, stopped, stopped before it ran.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use baton::{
    MaySleep,
    Thread, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta, //
    },
};

suite!("thread_kunit", "KUnit suite of baton's threads");

/// Counts what its clones do; the count of references says what was freed.
fn counter() -> Result<Arc<Atomic<u32>>> {
    Ok(Arc::new(Atomic::new(0), GFP_KERNEL)?)
}

#[kunit_tests(baton_thread)]
mod tests {
    use super::*;

    #[test]
    fn join_waits_for_the_body() -> Result {
        let cx = &mut MaySleep::assert();
        let count = counter()?;
        let theirs = count.clone();
        let thread = Thread::spawn(cx, c"thread_kunit", move |_, _| {
            fsleep(Delta::from_millis(5));
            theirs.store(7, Relaxed);
        })?;
        let _ = thread.join(cx);
        assert_eq!(count.load(Relaxed), 7);
        Ok(())
    }

    #[test]
    fn stop_is_seen_by_the_body() -> Result {
        let cx = &mut MaySleep::assert();
        let count = counter()?;
        let theirs = count.clone();
        let thread = Thread::spawn(cx, c"thread_kunit", move |_, stop| {
            theirs.store(1, Relaxed);
            while !stop.requested() {
                fsleep(Delta::from_micros(100));
            }
            theirs.store(2, Relaxed);
        })?;
        // A thread that is stopped before it has begun never begins.
        while count.load(Relaxed) == 0 {
            fsleep(Delta::from_micros(100));
        }
        let running = thread.is_finished(cx);
        let _ = thread.stop(cx);
        assert!(!running);
        assert_eq!(count.load(Relaxed), 2);
        Ok(())
    }

    #[test]
    fn stop_frees_the_body_whether_it_ran_or_not() -> Result {
        let cx = &mut MaySleep::assert();
        let count = counter()?;
        for _ in 0..64 {
            let theirs = count.clone();
            let thread = Thread::spawn(cx, c"thread_kunit", move |_, _| {
                theirs.fetch_add(1, Relaxed);
            })?;
            let _ = thread.stop(cx);
        }
        let ran = count.load(Relaxed);
        pr_info!("{} of 64 threads had begun when they were stopped\n", ran);
        // Every clone is gone: ours is the only reference left.
        assert!(Arc::into_unique_or_drop(count).is_some());
        Ok(())
    }

    #[test]
    fn join_timeout_returns_a_thread_that_runs() -> Result {
        let cx = &mut MaySleep::assert();
        let thread = Thread::spawn(cx, c"thread_kunit", |_, stop| {
            while !stop.requested() {
                fsleep(Delta::from_micros(100));
            }
        })?;
        let first = thread
            .join_timeout(cx, msecs_to_jiffies(20))
            .map_err(|refused| refused.object);
        let returned = first.is_err();
        if let Err(thread) = first {
            let _ = thread.stop(cx);
        }
        assert!(returned);
        Ok(())
    }
}
