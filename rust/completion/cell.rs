// SPDX-License-Identifier: GPL-2.0

//! What who completes and who waits have in common.

use crate::{
    context::MaySleep,
    event::{
        Any,
        Event,
        ModeAt, //
    },
    held::Held,
    level::{
        After,
        Level,
        Unordered, //
    },
    registry::{
        self,
        Kind, //
    },
};
use core::cell::UnsafeCell;
use kernel::{
    prelude::*,
    static_lock_class,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        LockClassKey,
        SpinLockIrq, //
    },
    task::Task, //
};

/// Completers that were dropped without completing.
static DROPPED: Atomic<u64> = Atomic::new(0);

/// Returns how many completers were dropped without completing since the library was loaded.
///
/// Context: any.
pub fn dropped_completers() -> u64 {
    DROPPED.load(Relaxed)
}

#[cold]
fn warn_dropped() {
    DROPPED.fetch_add(1, Relaxed);
    pr_warn!("a completer was dropped: its waiter gets an error\n");
}

/// How far it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Pending,
    Done,
    /// Nobody will wait.
    Abandoned,
}

/// The waiter has gone: this is what it would have been told.
///
/// Dropping it drops the result; `mem::forget` leaks that.
#[derive(Debug, PartialEq, Eq)]
pub struct Abandoned<T>(pub Result<T>);

struct State {
    outcome: Outcome,
    /// How many wait, or will.
    sides: usize,
    /// The address of the task that has to hand over or complete.
    holder: usize,
    /// The function that starts has not returned: if it fails, nobody will have waited.
    starting: bool,
    /// The completer was dropped.
    dropped: bool,
}

#[pin_data]
struct Slot<E: Level> {
    #[pin]
    done: Event<State, Any, E>,
}

/// What both sides have in common.
///
/// # Invariants
///
/// `result` is written to once, by who completes, with the lock held, while it is [`Outcome::Pending`].
/// Afterwards it belongs to those who wait, and to the last of them when it goes.
#[pin_data]
pub(super) struct Shared<T, E: Level> {
    #[pin]
    inner: SpinLockIrq<Slot<E>>,
    // Beside the lock: a result is looked at, moved and dropped without it.
    pub(super) result: UnsafeCell<Option<Result<T>>>,
}

// SAFETY: By the type invariants the result goes from the one who completes to those who wait, and it is
// `Send`. Several of them have it only if it is `Sync`: see `SharedCompletion`.
unsafe impl<T: Send, E: Level> Sync for Shared<T, E> {}

impl<E: Level> Slot<E> {
    fn new() -> impl PinInit<Self> {
        let state = State {
            outcome: Outcome::Pending,
            sides: 1,
            holder: Task::current_raw().addr(),
            starting: true,
            dropped: false,
        };
        let (name, key) = wait_class();
        pin_init!(Self { done <- Event::of_kind(Kind::Completion, state, name, key) })
    }
}

/// A lockdep class, and its name.
type Class = (&'static CStr, Pin<&'static LockClassKey>);

/// The lockdep class of the lock.
// Not generic, never inlined: one key with one name at one address, for all users.
#[inline(never)]
fn lock_class() -> Class {
    (c"baton_completion", static_lock_class!())
}

/// The lockdep class of the wait.
#[inline(never)]
fn wait_class() -> Class {
    (c"baton_completion", static_lock_class!())
}

impl<T: Send, E: Level> Shared<T, E> {
    pub(super) fn new() -> impl PinInit<Self> {
        let (name, key) = lock_class();
        // INVARIANT: There is no result.
        pin_init!(Self {
            inner <- SpinLockIrq::new(Slot::new(), name, key),
            result: UnsafeCell::new(None),
        })
    }

    /// Tells the registry that the caller has to complete it.
    #[inline]
    #[track_caller]
    pub(super) fn owe(&self) {
        if registry::is_on() {
            registry::owe(Kind::Completion, self.inner.lock().done.object());
        }
    }

    pub(super) fn complete(&self, result: Result<T>) -> Result<(), Abandoned<T>> {
        let mut slot = self.inner.lock();
        registry::paid(slot.done.object());
        if slot.done.outcome == Outcome::Abandoned {
            return Err(Abandoned(result));
        }
        // SAFETY: The lock is held, and it is pending as long as there is a completer: by the type
        // invariants. What is overwritten is `None`.
        unsafe { *self.result.get() = Some(result) };
        slot.as_mut().project().done.update(|state| {
            state.holder = 0;
            state.outcome = Outcome::Done;
        });
        Ok(())
    }

    /// The completer was dropped. While the function that starts runs, it is not said: it may fail.
    pub(super) fn cancel(&self) {
        let mut slot = self.inner.lock();
        registry::paid(slot.done.object());
        if slot.done.outcome == Outcome::Abandoned {
            return;
        }
        // SAFETY: As in `complete()`.
        unsafe { *self.result.get() = Some(Err(ECANCELED)) };
        let starting = slot.as_mut().project().done.update(|state| {
            state.holder = 0;
            state.dropped = true;
            state.outcome = Outcome::Done;
            state.starting
        });
        drop(slot);
        if !starting {
            warn_dropped();
        }
    }

    /// The function that starts has returned, and has not failed.
    pub(super) fn started(&self) {
        let mut slot = self.inner.lock();
        let dropped = slot.as_mut().project().done.update(|state| {
            state.starting = false;
            state.dropped
        });
        drop(slot);
        if dropped {
            warn_dropped();
        }
    }

    /// One more will wait.
    fn join(&self) {
        let mut slot = self.inner.lock();
        slot.as_mut()
            .project()
            .done
            .update(|state| state.sides += 1);
    }

    /// One less will wait. What was told already is dropped by the last of them, without the lock.
    fn leave(&self) {
        let mut slot = self.inner.lock();
        let last = slot.as_mut().project().done.update(|state| {
            state.sides -= 1;
            if state.sides == 0 {
                state.outcome = Outcome::Abandoned;
            }
            state.sides == 0
        });
        if !last {
            return;
        }
        // SAFETY: Nobody else waits, and nobody completes what was abandoned: the lock is held.
        let told = unsafe { &mut *self.result.get() }.take();
        drop(slot);
        drop(told);
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.inner.lock().done.outcome == Outcome::Abandoned
    }

    pub(super) fn is_done(&self) -> bool {
        is_over(&self.inner.lock().done)
    }

    /// Waits until it is completed.
    #[track_caller]
    pub(super) fn wait<C: Level, M: ModeAt<C>>(&self, cx: &mut MaySleep<C>, mode: M) -> Result
    where
        E: After<C>,
    {
        let held = Held::<_, _, C, Unordered>::new(self.inner.lock(), cx);
        if held.done.holder == Task::current_raw().addr() {
            pr_warn!("a task waits for a completion that only it could complete\n");
            return Err(EDEADLK);
        }
        let ended = held.on(|slot| &slot.done).until(is_over).wait(mode);
        ended.map_err(Into::into)
    }

    pub(super) fn set_holder(&self, holder: usize) {
        let mut slot = self.inner.lock();
        slot.as_mut()
            .project()
            .done
            .update(|state| state.holder = holder);
    }
}

/// What is waited for.
fn is_over(state: &State) -> bool {
    state.outcome != Outcome::Pending
}

/// The part of one who waits; it is counted.
pub(super) struct Side<T: Send, E: Level>(pub(super) Arc<Shared<T, E>>);

impl<T: Send, E: Level> Clone for Side<T, E> {
    fn clone(&self) -> Self {
        self.0.join();
        Self(self.0.clone())
    }
}

impl<T: Send, E: Level> Drop for Side<T, E> {
    fn drop(&mut self) {
        self.0.leave();
    }
}
