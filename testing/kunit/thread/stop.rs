// SPDX-License-Identifier: GPL-2.0

//! A pending stop ends the waits of the thread.

use super::scene::*;
use baton::{
    drain::{
        new_drain,
        Drain, //
    },
    event::{
        Idle,
        Interruptible,
        Io,
        Killable,
        Mode,
        Uninterruptible, //
    },
    LockIn, MaySleep,
};
use kernel::{
    prelude::*,
    sync::{atomic::Relaxed, Arc},
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta, //
    },
};

#[kunit_tests(baton_thread_stop)]
mod tests {
    use super::*;

    #[test]
    fn stop_ends_waits_of_every_mode() -> Result {
        let cx = &mut MaySleep::assert();
        let long = msecs_to_jiffies(60_000);
        let uninterruptible = stopped_in(cx, Uninterruptible)?;
        let io = stopped_in(cx, Io)?;
        let idle = stopped_in(cx, Idle)?;
        let interruptible = stopped_in(cx, Interruptible)?;
        let killable = stopped_in(cx, Killable)?;
        let limited = stopped_in(cx, Uninterruptible.timeout(long))?;
        assert_eq!(uninterruptible, (true, ESHUTDOWN.to_errno()));
        assert_eq!(io, (true, ESHUTDOWN.to_errno()));
        assert_eq!(idle, (true, ESHUTDOWN.to_errno()));
        assert_eq!(interruptible, (true, ECANCELED.to_errno()));
        assert_eq!(killable, (true, ECANCELED.to_errno()));
        assert_eq!(limited, (true, ECANCELED.to_errno()));
        Ok(())
    }

    #[test]
    fn stop_ends_the_wait_for_a_drain() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        let drain: Arc<Drain> = Arc::pin_init(new_drain!("thread_kunit"), GFP_KERNEL)?;
        let reference = drain.try_begin()?;
        let theirs = drain.clone();
        let thread = scene.spawn(cx, move |scene, cx, _| {
            let Ok(mut shut) = theirs.shut(cx, Killable) else {
                return;
            };
            scene.step.store(1, Relaxed);
            let result = shut.wait(Uninterruptible.timeout(msecs_to_jiffies(4000)));
            scene.note(0, result.map_err(Into::into));
        })?;
        let waits = until(|| scene.step.load(Relaxed) == 1);
        thread.request_stop();
        let ended = joined(&scene, thread, cx);
        reference.end();
        let [result, ..] = scene.results();
        assert!(waits);
        assert!(ended);
        assert_eq!(result, ECANCELED.to_errno());
        Ok(())
    }

    #[test]
    fn a_stop_that_was_asked_for_ends_the_next_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        let thread = scene.spawn(cx, |scene, cx, _| {
            scene.step.store(1, Relaxed);
            // It does not look whether it is to stop, and waits all the same.
            until(|| scene.obeys.load(Relaxed));
            scene.wait_never(0, cx, Uninterruptible);
            scene.wait_never(1, cx, Killable);
        })?;
        scene.obeys.store(false, Relaxed);
        let begun = until(|| scene.step.load(Relaxed) == 1);
        thread.request_stop();
        scene.obeys.store(true, Relaxed);
        let ended = joined(&scene, thread, cx);
        let [first, second, _] = scene.results();
        assert!(begun);
        assert!(ended);
        assert_eq!(first, ESHUTDOWN.to_errno());
        assert_eq!(second, ECANCELED.to_errno());
        Ok(())
    }

    #[test]
    fn a_stop_that_was_seen_ends_no_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        let thread = scene.spawn(cx, |scene, cx, stop| {
            scene.wait_never(0, cx, Interruptible);
            if stop.requested() {
                scene.step.store(1, Relaxed);
            }
            // What is there to clean up; an interruptible wait also sees signals.
            scene.wait(1, cx, Interruptible);
        })?;
        let waits = until(|| scene.waiters(cx) == 1);
        thread.request_stop();
        let seen = until(|| scene.step.load(Relaxed) == 1);
        let waits_again = until(|| scene.waiters(cx) == 1);
        fsleep(Delta::from_millis(10));
        let still = scene.waiters(cx);
        scene.open(cx);
        let ended = joined(&scene, thread, cx);
        let [first, second, _] = scene.results();
        assert!(waits);
        assert!(seen);
        assert!(waits_again);
        assert_eq!(still, 1);
        assert!(ended);
        assert_eq!((first, second), (ECANCELED.to_errno(), 0));
        Ok(())
    }

    #[test]
    fn a_deferred_stop_ends_the_waits_after_the_scope_only() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        let thread = scene.spawn(cx, |scene, cx, stop| {
            stop.deferred(cx, |cx| scene.wait(0, cx, Interruptible));
            scene.wait_never(1, cx, Uninterruptible);
            // One that was asked for before the scope.
            stop.deferred(cx, |cx| {
                scene.wait_never(2, cx, Interruptible.timeout(msecs_to_jiffies(20)));
            });
        })?;
        let waits = until(|| scene.waiters(cx) == 1);
        thread.request_stop();
        fsleep(Delta::from_millis(10));
        let still = scene.waiters(cx);
        scene.open(cx);
        let ended = joined(&scene, thread, cx);
        assert!(waits);
        assert_eq!(still, 1);
        assert!(ended);
        let (stopped, late) = (ESHUTDOWN.to_errno(), ETIMEDOUT.to_errno());
        assert_eq!(scene.results(), [0, stopped, late]);
        Ok(())
    }

    #[test]
    fn no_stop_is_missed_by_a_thread_that_goes_to_sleep() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        for number in 0..300 {
            let thread = scene.spawn(cx, |scene, cx, stop| {
                scene.step.store(1, Relaxed);
                while !stop.requested() {
                    scene.wait_never(0, cx, Idle);
                }
            })?;
            let begun = until(|| scene.step.load(Relaxed) == 1);
            for _ in 0..number {
                core::hint::spin_loop();
            }
            thread.request_stop();
            let ended = joined(&scene, thread, cx);
            assert!(begun);
            assert!(ended);
            scene.step.store(0, Relaxed);
        }
        Ok(())
    }

    #[test]
    fn a_stop_ends_the_join_of_another_thread() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        let inner = scene.spawn(cx, |scene, _, _| {
            until(|| scene.step.load(Relaxed) == 2);
        })?;
        let outer = scene.spawn(cx, move |scene, cx, _| {
            scene.step.store(1, Relaxed);
            if let Err(refused) = inner.join(cx) {
                scene.note(0, Err(refused.error));
                *scene.own.lock_in(cx) = Some(refused.object);
            }
        })?;
        let begun = until(|| scene.step.load(Relaxed) == 1);
        outer.request_stop();
        let ended = joined(&scene, outer, cx);
        scene.step.store(2, Relaxed);
        let inner = scene.own.lock_in(cx).take();
        let inner_ended = inner.is_some_and(|inner| joined(&scene, inner, cx));
        let [result, ..] = scene.results();
        assert!(begun);
        assert!(ended);
        assert!(inner_ended);
        assert_eq!(result, ECANCELED.to_errno());
        Ok(())
    }
}
