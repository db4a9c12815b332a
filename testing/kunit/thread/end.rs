// SPDX-License-Identifier: GPL-2.0

//! How a thread ends, and how its handle does.

use super::scene::*;
use baton::{
    event::{
        Interruptible,
        Killable,
        Uninterruptible, //
    },
    owner,
    testing::{
        self,
        Log, //
    },
    LockIn,
    MaySleep,
    Thread, //
};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::Relaxed,
        Arc,
        SpinLock, //
    },
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta,
        Instant,
        Monotonic, //
    },
};

/// Says when it is dropped, and is gone when the scene obeys.
struct Kept(Arc<Scene>);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.step.store(1, Relaxed);
        until(|| self.0.obeys.load(Relaxed));
    }
}

#[kunit_tests(baton_thread_end)]
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

    /// What it has, and its code, can go then. Who joins is before the thread on its CPU, and goes on in the
    /// middle of how that ends if it is let.
    #[test]
    fn a_thread_that_was_joined_has_exited() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        let thread = scene.spawn(cx, |scene, cx, _| {
            if testing::stay_on(cx, 0).is_ok() {
                scene.wait(0, cx, Uninterruptible);
            }
        })?;
        let waits = until(|| scene.waiters(cx) == 1);
        let task = ARef::from(thread.task());
        let ended = testing::first_on(cx, 0, |cx| {
            scene.open(cx);
            (joined(&scene, thread, cx), testing::is_exiting(&task))
        });
        assert!(waits);
        assert_eq!(ended, Ok((true, true)));
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
    fn a_thread_that_is_stopped_before_it_ran_does_not_run() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        // On another CPU it may begin before it is asked, or be asked right after it has begun.
        let mut kept = 0;
        let mut late = 0;
        for _ in 0..64 {
            let ran = counter()?;
            let theirs = ran.clone();
            let thread = scene.spawn(cx, move |_, _, stop| {
                theirs.fetch_add(1, Relaxed);
                if stop.requested() {
                    theirs.fetch_add(100, Relaxed);
                }
            })?;
            thread.request_stop();
            assert!(joined(&scene, thread, cx));
            match ran.load(Relaxed) {
                0 => kept += 1,
                101 => late += 1,
                _ => {}
            }
            assert!(Arc::into_unique_or_drop(ran).is_some());
        }
        pr_info!("{} of 64 threads were stopped before they ran\n", kept);
        assert!(late <= 8);
        Ok(())
    }

    /// One that never ran, too: what it had is gone by then.
    #[test]
    fn a_thread_is_finished_when_its_body_was_dropped() -> Result {
        let cx = &mut MaySleep::assert();
        // On another CPU it may begin before it is asked; then the body drops it.
        for _ in 0..32 {
            let scene = Scene::new()?;
            scene.obeys.store(false, Relaxed);
            let kept = Kept(scene.clone());
            let thread = scene.spawn(cx, move |_, _, _| drop(kept))?;
            thread.request_stop();
            let drops = until(|| scene.step.load(Relaxed) == 1);
            let finished = thread.is_finished(cx);
            scene.obeys.store(true, Relaxed);
            let ended = joined(&scene, thread, cx);
            assert!(drops && ended);
            assert!(!finished);
        }
        Ok(())
    }

    #[test]
    fn a_thread_has_a_signal_that_was_sent_before_it_began() -> Result {
        let cx = &mut MaySleep::assert();
        // On another CPU it may begin before.
        for number in 0..32 {
            let scene = Scene::new()?;
            let thread = if number % 2 == 0 {
                let thread = scene.spawn(cx, |scene, cx, _| {
                    scene.wait_never(0, cx, Interruptible);
                })?;
                thread.interrupt();
                thread
            } else {
                let thread = scene.spawn(cx, |scene, cx, _| scene.wait_never(0, cx, Killable))?;
                thread.kill();
                thread
            };
            let ended = joined(&scene, thread, cx);
            let [result, ..] = scene.results();
            assert!(ended);
            assert_eq!(result, ERESTARTSYS.to_errno());
        }
        Ok(())
    }

    #[test]
    fn a_thread_that_stops_or_joins_itself_gets_edeadlk() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        // Before it is there: it must not look for itself yet.
        scene.obeys.store(false, Relaxed);
        let thread = scene.spawn(cx, |scene, cx, stop| {
            until(|| scene.obeys.load(Relaxed));
            let Some(own) = scene.own.lock_in(cx).take() else {
                return;
            };
            let Err(refused) = own.stop(cx) else { return };
            scene.note(0, Err(refused.error));
            let Err(refused) = refused.object.join(cx) else {
                return;
            };
            scene.note(1, Err(refused.error));
            // Nothing was asked of it.
            scene
                .step
                .store(if stop.requested() { 2 } else { 1 }, Relaxed);
            *scene.own.lock_in(cx) = Some(refused.object);
        })?;
        *scene.own.lock_in(cx) = Some(thread);
        scene.obeys.store(true, Relaxed);
        let done = until(|| scene.step.load(Relaxed) != 0);
        let returned = until(|| scene.own.lock_in(cx).is_some());
        let thread = scene.own.lock_in(cx).take();
        let ended = thread.is_some_and(|thread| joined(&scene, thread, cx));
        let [stop, join, _] = scene.results();
        assert!(done);
        assert!(returned);
        assert!(ended);
        assert_eq!(scene.step.load(Relaxed), 1);
        assert_eq!((stop, join), (EDEADLK.to_errno(), EDEADLK.to_errno()));
        Ok(())
    }

    #[test]
    fn a_thread_that_drops_itself_ends() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        // Before it is there: it must not look for itself yet.
        scene.obeys.store(false, Relaxed);
        let (dropped, reaped) = (owner::dropped(), owner::reaped());
        let thread = scene.spawn(cx, |scene, cx, stop| {
            until(|| scene.obeys.load(Relaxed));
            let own = scene.own.lock_in(cx).take();
            drop(own);
            if until(|| stop.requested()) {
                scene.step.store(1, Relaxed);
            }
        })?;
        *scene.own.lock_in(cx) = Some(thread);
        scene.obeys.store(true, Relaxed);
        let stopped = until(|| scene.step.load(Relaxed) == 1);
        let gone = until(|| owner::reaped() > reaped);
        assert!(stopped);
        assert!(gone);
        assert!(owner::dropped() > dropped);
        // The thread has dropped what it had.
        assert!(Arc::into_unique_or_drop(scene).is_some());
        Ok(())
    }

    #[test]
    fn a_drop_does_not_wait_wherever_it_is() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        let lock: Pin<KBox<SpinLock<u32>>> = KBox::pin_init(new_spinlock!(0), GFP_KERNEL)?;
        let (dropped, reaped) = (owner::dropped(), owner::reaped());
        let mut threads = KVec::new();
        for _ in 0..3 {
            let thread = scene.spawn(cx, |scene, _, stop| {
                scene.step.fetch_add(1, Relaxed);
                while !(stop.requested() && scene.obeys.load(Relaxed)) {
                    fsleep(Delta::from_micros(100));
                }
            })?;
            threads.push(thread, GFP_KERNEL)?;
        }
        scene.obeys.store(false, Relaxed);
        let begun = until(|| scene.step.load(Relaxed) == 3);
        {
            let held = lock.lock_in(cx);
            drop(threads.pop());
            drop(held);
        }
        {
            let off = cx.interrupts_off();
            drop(threads.pop());
            drop(off);
        }
        {
            let section = cx.rcu_read_lock();
            drop(threads.pop());
            drop(section);
        }
        // None of them has ended: nobody has waited for it.
        let early = owner::reaped() - reaped;
        let noted = owner::dropped() - dropped;
        scene.obeys.store(true, Relaxed);
        let gone = until(|| owner::reaped() - reaped == 3);
        assert!(begun);
        assert_eq!((early, noted), (0, 3));
        assert!(gone);
        // What is ended in order is not counted.
        let thread = scene.spawn(cx, |_, _, _| ())?;
        let stopped = thread.stop(cx).is_ok();
        assert!(stopped);
        assert_eq!(owner::dropped() - dropped, 3);
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
        let first = thread.join_timeout(cx, msecs_to_jiffies(20));
        let mut why = None;
        if let Err(refused) = first {
            why = Some(refused.error);
            let _ = refused.object.stop(cx);
        }
        assert_eq!(why, Some(ETIMEDOUT));
        Ok(())
    }

    #[test]
    fn a_long_name_is_cut() -> Result {
        let cx = &mut MaySleep::assert();
        let log = Log::here();
        let before = owner::reaped();
        drop(Thread::spawn(
            cx,
            c"a_name_of_more_than_thirty_one_letters",
            |_, _| (),
        )?);
        let gone = until(|| owner::reaped() != before);
        let named = log.lines(&[
            "thread 'a_name_of_more_than_thirty_one_', made at ",
            "thread/end.rs:",
        ]);
        assert!(gone);
        assert_eq!(named, 1);
        Ok(())
    }

    /// Each in its own time, and not whenever it is the turn of another one.
    #[test]
    fn what_does_not_end_is_named_every_ten_seconds() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        let log = Log::here();
        let spawn = |cx: &mut MaySleep, name: &CStr| {
            let theirs = scene.clone();
            Thread::spawn(cx, name, move |_, stop| {
                theirs.step.fetch_add(1, Relaxed);
                while !(stop.requested() && theirs.obeys.load(Relaxed)) {
                    fsleep(Delta::from_micros(100));
                }
            })
        };
        // Who was made last is looked at first.
        let late = spawn(cx, c"stubborn_late")?;
        let early = spawn(cx, c"stubborn_early")?;
        let begun = until(|| scene.step.load(Relaxed) == 2);
        scene.obeys.store(false, Relaxed);
        let reaped = owner::reaped();
        let start = Instant::<Monotonic>::now();
        drop(early);
        // By more than a timer of ten seconds is late, so that they are not named together.
        let apart = until(|| start.elapsed() > Delta::from_secs(2));
        drop(late);
        let named = |name: &str| log.lines(&[name, "thread/end.rs:", "has not ended for 1"]);
        let told = || named("thread 'stubborn_late'") > 0;
        let both = until(told) || until(told);
        // The second time would be ten seconds after the first one.
        let once = named("thread 'stubborn_early'") == 1 || start.elapsed() > Delta::from_secs(20);
        scene.obeys.store(true, Relaxed);
        let gone = until(|| owner::reaped() - reaped == 2);
        assert!(begun && apart && both);
        assert!(once);
        assert!(gone);
        Ok(())
    }
}
