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
    registry::{
        self,
        Report, //
    },
    LockIn,
    MaySleep,
    Thread, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::Relaxed,
        Arc, //
    },
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

    /// `stop()` asks by itself; another thread calls it, so that one that does not ask can be told.
    #[test]
    fn who_stops_a_thread_asks_it() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        let inner = scene.spawn(cx, |scene, cx, _| scene.wait_never(0, cx, Idle))?;
        let waits = until(|| scene.waiters(cx) == 1);
        let outer = scene.spawn(cx, move |scene, cx, _| {
            let stopped = inner.stop(cx);
            scene.note(1, stopped.map_err(Error::from));
        })?;
        let ended = joined(&scene, outer, cx);
        let [wait, stopped, _] = scene.results();
        assert!(waits);
        assert!(ended);
        assert_eq!((wait, stopped), (ESHUTDOWN.to_errno(), 0));
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
            let result = shut.wait(Uninterruptible.timeout(msecs_to_jiffies(8000)));
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
            // It says so each time.
            if stop.requested() && stop.requested() {
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
            // One that was asked for before the scope. It ends no sleep of others either.
            stop.deferred(cx, |cx| {
                if scene.sleeps_by_itself() {
                    scene.step.store(1, Relaxed);
                }
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
        assert_eq!(scene.step.load(Relaxed), 1);
        Ok(())
    }

    /// The end of a scope within another one is not the end of that.
    #[test]
    fn a_stop_is_deferred_until_the_outermost_scope_ends() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        let thread = scene.spawn(cx, |scene, cx, stop| {
            stop.deferred(cx, |cx| {
                stop.deferred(cx, |cx| scene.wait(0, cx, Idle));
                scene.wait_never(1, cx, Idle.timeout(msecs_to_jiffies(20)));
            });
            scene.wait_never(2, cx, Idle);
        })?;
        let waits = until(|| scene.waiters(cx) == 1);
        thread.request_stop();
        scene.open(cx);
        let ended = joined(&scene, thread, cx);
        assert!(waits);
        assert!(ended);
        let (stopped, late) = (ESHUTDOWN.to_errno(), ETIMEDOUT.to_errno());
        assert_eq!(scene.results(), [0, late, stopped]);
        Ok(())
    }

    /// Once it was told, what is not of this library waits as ever, too; whoever stops it waits for that, even
    /// if they are to stop themselves.
    #[test]
    fn what_a_stopped_thread_cleans_up_with_sleeps_as_ever() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        registry::switch(cx, true);
        let cleaned = scene.clone();
        let inner = scene.spawn(cx, move |scene, cx, stop| {
            scene.step.store(1, Relaxed);
            // Until it is asked.
            scene.wait_never(0, cx, Idle);
            let told = stop.requested();
            scene.step.store(4, Relaxed);
            // For longer than whoever sets that looks for the other thread.
            let _ = until(|| scene.obeys.load(Relaxed)) || until(|| scene.obeys.load(Relaxed));
            let whole = scene.sleeps_by_itself();
            scene.note(1, if told && whole { Ok(()) } else { Err(EINTR) });
        })?;
        let begun = until(|| scene.step.load(Relaxed) == 1);
        scene.obeys.store(false, Relaxed);
        let outer = Thread::spawn(cx, c"thread_kunit", move |cx, _| {
            cleaned.step.store(2, Relaxed);
            // By then it is to stop itself.
            until(|| cleaned.step.load(Relaxed) == 3);
            inner.request_stop();
            until(|| cleaned.step.load(Relaxed) == 4);
            let stopped = inner.stop(cx).is_ok();
            let [_, result, _] = cleaned.results();
            // It has waited for all of that.
            let code = if stopped && result == 0 { 0 } else { 2 };
            cleaned.note(2, if code == 0 { Ok(()) } else { Err(EBUSY) });
        })?;
        let outer_begun = until(|| scene.step.load(Relaxed) == 2);
        outer.request_stop();
        scene.step.store(3, Relaxed);
        let asked = until(|| scene.step.load(Relaxed) == 4);
        // Until that one waits for the end of the other one.
        let pid = outer.task().pid();
        let waits = until(|| {
            let report = Report::new(cx);
            report.is_ok_and(|report| report.sleepers().iter().any(|s| s.pid() == pid))
        });
        scene.obeys.store(true, Relaxed);
        let ended = joined(&scene, outer, cx);
        registry::switch(cx, false);
        assert!(begun && outer_begun);
        assert!(asked && waits);
        assert!(ended);
        assert_eq!(scene.results(), [ESHUTDOWN.to_errno(), 0, 0]);
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
