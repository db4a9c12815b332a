// SPDX-License-Identifier: GPL-2.0

//! What a thread of the tests waits for, and how it is ended.

pub(crate) use crate::suite::until;
use baton::{
    event::ModeAt,
    new_event,
    thread::Stop,
    Any,
    Event,
    LockIn,
    MaySleep,
    Thread, //
};
use core::mem;
use kernel::{
    new_condvar,
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        CondVar,
        CondVarTimeoutResult,
        Mutex, //
    },
    time::msecs_to_jiffies, //
};

/// What a thread of the tests waits for, and says.
#[pin_data]
pub(crate) struct Scene {
    #[pin]
    pub(crate) gate: Mutex<Gate>,
    /// The handle of a thread, for itself.
    #[pin]
    pub(crate) own: Mutex<Option<Thread>>,
    /// What is not of this library; nobody notifies it.
    #[pin]
    pub(crate) idle: CondVar,
    /// What the waits of the thread have returned.
    pub(crate) results: [Atomic<i32>; 3],
    /// How far it has come.
    pub(crate) step: Atomic<u32>,
    /// Whether it ends when it was asked to.
    pub(crate) obeys: Atomic<bool>,
}

#[pin_data]
pub(crate) struct Gate {
    #[pin]
    pub(crate) open: Event<bool, Any>,
    /// Nobody updates it.
    #[pin]
    pub(crate) never: Event<bool, Any>,
}

/// No result yet.
pub(crate) const PENDING: i32 = 1;

impl Scene {
    pub(crate) fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                gate <- new_mutex!(pin_init!(Gate {
                    open <- new_event!(false),
                    never <- new_event!(false),
                })),
                own <- new_mutex!(None),
                idle <- new_condvar!(),
                results: [const { Atomic::new(PENDING) }; 3],
                step: Atomic::new(0),
                obeys: Atomic::new(true),
            }),
            GFP_KERNEL,
        )
    }

    pub(crate) fn spawn(
        self: &Arc<Self>,
        cx: &mut MaySleep,
        body: impl FnOnce(&Self, &mut MaySleep, &Stop<'_>) + Send + 'static,
    ) -> Result<Thread> {
        let theirs = self.clone();
        Thread::spawn(cx, c"thread_kunit", move |cx, stop| body(&theirs, cx, stop))
    }

    /// Waits for the gate, and notes how that has ended.
    pub(crate) fn wait(&self, number: usize, cx: &mut MaySleep, mode: impl ModeAt) {
        let held = self.gate.lock_in(cx);
        let result = held.on(|gate| &gate.open).until(|open| *open).wait(mode);
        self.note(number, result.map_err(Into::into));
    }

    /// Waits for what does not come.
    pub(crate) fn wait_never(&self, number: usize, cx: &mut MaySleep, mode: impl ModeAt) {
        let held = self.gate.lock_in(cx);
        let result = held.on(|gate| &gate.never).until(|never| *never).wait(mode);
        self.note(number, result.map_err(Into::into));
    }

    /// Sleeps for a while, not by means of this library; returns whether nothing like a signal has ended that.
    pub(crate) fn sleeps_by_itself(&self) -> bool {
        // IRQ: none; what is not of this library wants a guard of the kernel crate.
        let mut guard = self.own.lock();
        let slept = self
            .idle
            .wait_interruptible_timeout(&mut guard, msecs_to_jiffies(20));
        !matches!(slept, CondVarTimeoutResult::Signal { .. })
    }

    pub(crate) fn note(&self, number: usize, result: Result) {
        let code = result.map_or_else(|e| e.to_errno(), |()| 0);
        if let Some(place) = self.results.get(number) {
            place.store(code, Relaxed);
        }
    }

    pub(crate) fn results(&self) -> [i32; 3] {
        core::array::from_fn(|i| self.results.get(i).map_or(PENDING, |r| r.load(Relaxed)))
    }

    pub(crate) fn waiters(&self, cx: &mut MaySleep) -> usize {
        let gate = self.gate.lock_in(cx);
        gate.open.waiters() + gate.never.waiters()
    }

    pub(crate) fn open(&self, cx: &mut MaySleep) {
        self.gate
            .lock_in(cx)
            .as_mut()
            .project()
            .open
            .update(|open| *open = true);
    }

    /// Ends every wait of the scene.
    pub(crate) fn rescue(&self, cx: &mut MaySleep) {
        let mut held = self.gate.lock_in(cx);
        held.as_mut().project().open.close();
        held.as_mut().project().never.close();
    }
}

/// Joins a thread that is sure to end; returns false, and ends its waits, if it does not.
pub(crate) fn joined(scene: &Scene, thread: Thread, cx: &mut MaySleep) -> bool {
    match thread.join_timeout(cx, msecs_to_jiffies(10_000)) {
        Ok(()) => true,
        Err(refused) => {
            scene.rescue(cx);
            if let Err(refused) = refused.object.join_timeout(cx, msecs_to_jiffies(10_000)) {
                // It cannot be ended: the test is to fail all the same.
                mem::forget(refused);
            }
            false
        }
    }
}

/// Stops a thread that waits in `mode`; returns whether that has ended it, and the result of the wait.
pub(crate) fn stopped_in(
    cx: &mut MaySleep,
    mode: impl ModeAt + Send + 'static,
) -> Result<(bool, i32)> {
    let scene = Scene::new()?;
    let thread = scene.spawn(cx, move |scene, cx, _| scene.wait(0, cx, mode))?;
    let waits = until(|| scene.waiters(cx) == 1);
    thread.request_stop();
    let ended = joined(&scene, thread, cx);
    let [result, ..] = scene.results();
    Ok((waits && ended, result))
}

/// Counts what its clones do; the count of references says what was freed.
pub(crate) fn counter() -> Result<Arc<Atomic<u32>>> {
    Ok(Arc::new(Atomic::new(0), GFP_KERNEL)?)
}
