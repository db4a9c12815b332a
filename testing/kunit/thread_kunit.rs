// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of [`Thread`]: joined, stopped wherever it is, dropped, and in its own hands.

#[macro_use]
#[path = "suite.rs"]
mod suite;

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
    new_event,
    owner,
    thread::Stop,
    Any,
    Event,
    LockIn,
    MaySleep,
    Thread, //
};
use kernel::{
    new_mutex, new_spinlock,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
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

suite!("thread_kunit", "KUnit suite of baton's threads");

/// What a thread of the tests waits for, and says.
#[pin_data]
struct Scene {
    #[pin]
    gate: Mutex<Gate>,
    /// The handle of a thread, for itself.
    #[pin]
    own: Mutex<Option<Thread>>,
    /// What the waits of the thread have returned.
    results: [Atomic<i32>; 3],
    /// How far it has come.
    step: Atomic<u32>,
    /// Whether it ends when it was asked to.
    obeys: Atomic<bool>,
}

#[pin_data]
struct Gate {
    #[pin]
    open: Event<bool, Any>,
    /// Nobody updates it.
    #[pin]
    never: Event<bool, Any>,
}

/// No result yet.
const PENDING: i32 = 1;

impl Scene {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                gate <- new_mutex!(pin_init!(Gate {
                    open <- new_event!(false),
                    never <- new_event!(false),
                })),
                own <- new_mutex!(None),
                results: [const { Atomic::new(PENDING) }; 3],
                step: Atomic::new(0),
                obeys: Atomic::new(true),
            }),
            GFP_KERNEL,
        )
    }

    fn spawn(
        self: &Arc<Self>,
        cx: &mut MaySleep,
        body: impl FnOnce(&Self, &mut MaySleep, &Stop<'_>) + Send + 'static,
    ) -> Result<Thread> {
        let theirs = self.clone();
        Thread::spawn(cx, c"thread_kunit", move |cx, stop| body(&theirs, cx, stop))
    }

    /// Waits for the gate, and notes how that has ended.
    fn wait(&self, number: usize, cx: &mut MaySleep, mode: impl Mode) {
        let held = self.gate.lock_in(cx);
        let result = held.on(|gate| &gate.open).until(|open| *open).wait(mode);
        self.note(number, result.map_err(Into::into));
    }

    /// Waits for what does not come.
    fn wait_never(&self, number: usize, cx: &mut MaySleep, mode: impl Mode) {
        let held = self.gate.lock_in(cx);
        let result = held.on(|gate| &gate.never).until(|never| *never).wait(mode);
        self.note(number, result.map_err(Into::into));
    }

    fn note(&self, number: usize, result: Result) {
        let code = result.map_or_else(|e| e.to_errno(), |()| 0);
        if let Some(place) = self.results.get(number) {
            place.store(code, Relaxed);
        }
    }

    fn results(&self) -> [i32; 3] {
        core::array::from_fn(|i| self.results.get(i).map_or(PENDING, |r| r.load(Relaxed)))
    }

    fn waiters(&self, cx: &mut MaySleep) -> usize {
        let gate = self.gate.lock_in(cx);
        gate.open.waiters() + gate.never.waiters()
    }

    fn open(&self, cx: &mut MaySleep) {
        self.gate
            .lock_in(cx)
            .as_mut()
            .project()
            .open
            .update(|open| *open = true);
    }

    /// Ends every wait of the scene.
    fn rescue(&self, cx: &mut MaySleep) {
        let mut held = self.gate.lock_in(cx);
        held.as_mut().project().open.close();
        held.as_mut().project().never.close();
    }
}

/// Waits for a state that is sure to come, for two seconds at most.
fn until(mut there: impl FnMut() -> bool) -> bool {
    for _ in 0..20_000 {
        if there() {
            return true;
        }
        fsleep(Delta::from_micros(100));
    }
    false
}

/// Joins a thread that is sure to end; returns false, and ends its waits, if it does not.
fn joined(scene: &Scene, thread: Thread, cx: &mut MaySleep) -> bool {
    match thread.join_timeout(cx, msecs_to_jiffies(2000)) {
        Ok(()) => true,
        Err(refused) => {
            scene.rescue(cx);
            let _ = refused.object.join(cx);
            false
        }
    }
}

/// Stops a thread that waits in `mode`; returns whether that has ended it, and the result of the wait.
fn stopped_in(cx: &mut MaySleep, mode: impl Mode + Send + 'static) -> Result<(bool, i32)> {
    let scene = Scene::new()?;
    let thread = scene.spawn(cx, move |scene, cx, _| scene.wait(0, cx, mode))?;
    let waits = until(|| scene.waiters(cx) == 1);
    thread.request_stop();
    let ended = joined(&scene, thread, cx);
    let [result, ..] = scene.results();
    Ok((waits && ended, result))
}

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
    fn a_thread_that_is_stopped_before_it_ran_does_not_run() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
        // On another CPU it may begin before it is asked.
        let mut kept = 0;
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
            if ran.load(Relaxed) == 0 {
                kept += 1;
            }
            assert!(Arc::into_unique_or_drop(ran).is_some());
        }
        pr_info!("{} of 64 threads were stopped before they ran\n", kept);
        Ok(())
    }

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
        let drain = Arc::pin_init(new_drain!("thread_kunit"), GFP_KERNEL)?;
        let reference = drain.begin()?;
        let theirs: Arc<Drain> = drain.clone();
        let thread = scene.spawn(cx, move |scene, cx, _| {
            let Ok(shut) = theirs.shut(cx, Killable) else {
                return;
            };
            scene.step.store(1, Relaxed);
            let result = shut.wait(cx, Uninterruptible.timeout(msecs_to_jiffies(4000)));
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
    fn a_thread_that_stops_or_joins_itself_gets_edeadlk() -> Result {
        let cx = &mut MaySleep::assert();
        let scene = Scene::new()?;
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
        scene.obeys.store(false, Relaxed);
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
        let (dropped, reaped) = (owner::dropped(), owner::reaped());
        let thread = scene.spawn(cx, |scene, cx, stop| {
            until(|| scene.obeys.load(Relaxed));
            let own = scene.own.lock_in(cx).take();
            drop(own);
            if until(|| stop.requested()) {
                scene.step.store(1, Relaxed);
            }
        })?;
        scene.obeys.store(false, Relaxed);
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
        let reaped = owner::reaped();
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
        scene.obeys.store(true, Relaxed);
        let gone = until(|| owner::reaped() - reaped == 3);
        assert!(begun);
        assert_eq!(early, 0);
        assert!(gone);
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
