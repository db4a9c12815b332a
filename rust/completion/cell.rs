// SPDX-License-Identifier: GPL-2.0

//! What who completes and who waits have in common.

use super::word;
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
        Kind,
        Object, //
    },
    wait_map::WaitMap, //
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

/// The waiter has gone: this is what it would have been told.
///
/// Dropping it drops the result; `mem::forget` leaks that.
#[derive(Debug, PartialEq, Eq)]
pub struct Abandoned<T>(pub Result<T>);

#[pin_data]
struct Slot<E: Level> {
    /// Whether it is done, as those who sleep are told.
    #[pin]
    done: Event<bool, Any, E>,
}

/// What both sides have in common.
///
/// # Invariants
///
/// `result` is written to once, by who completes, before the word says that it is done. Afterwards it belongs to
/// those who wait, and to the last of them when it goes; if nobody is left, to who completes.
#[pin_data]
pub(super) struct Shared<T, E: Level> {
    /// See [`word`].
    word: Atomic<u64>,
    /// The address of the task that has to hand over, or complete. That task sees what it has written itself.
    holder: Atomic<usize>,
    #[pin]
    map: WaitMap,
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
        let (name, key) = wait_class();
        pin_init!(Self { done <- Event::of_kind(Kind::Completion, false, name, key) })
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
        let (wait_name, wait_key) = wait_class();
        // INVARIANT: There is no result.
        pin_init!(Self {
            word: Atomic::new(word::STARTS),
            holder: Atomic::new(Task::current_raw().addr()),
            map <- WaitMap::new(wait_name, wait_key),
            inner <- SpinLockIrq::new(Slot::new(), name, key),
            result: UnsafeCell::new(None),
        })
    }

    /// Tells the registry that the caller has to complete it.
    #[inline]
    #[track_caller]
    pub(super) fn owe(&self) {
        if registry::is_on() {
            registry::owe(Kind::Completion, self.object());
        }
    }

    /// Tells the registry that it is going to be completed.
    #[inline]
    fn pay(&self) {
        if registry::is_on() {
            registry::paid(self.object());
        }
    }

    /// Returns what the registry knows it by.
    #[cold]
    fn object(&self) -> Object {
        self.inner.lock().done.object()
    }

    /// Tells those who sleep.
    #[cold]
    #[inline(never)]
    fn tell(&self) {
        let mut slot = self.inner.lock();
        slot.as_mut().project().done.update(|done| *done = true);
    }

    #[inline]
    pub(super) fn complete(&self, result: Result<T>) -> Result<(), Abandoned<T>> {
        self.pay();
        // SAFETY: It is not done as long as there is a completer, so the result is the caller's: by the type
        // invariants. What is overwritten is `None`.
        unsafe { self.result.get().write(Some(result)) };
        let before = word::complete(&self.word);
        if before.is_abandoned() {
            // SAFETY: Nobody is left. By the type invariants it is the caller's again.
            return match unsafe { &mut *self.result.get() }.take() {
                Some(result) => Err(Abandoned(result)),
                // Not reached: it was stored above.
                None => Ok(()),
            };
        }
        if before.asks() {
            self.tell();
        }
        Ok(())
    }

    /// The completer was dropped. While the function that starts runs, it is not said: it may fail.
    pub(super) fn cancel(&self) {
        self.pay();
        // SAFETY: As in `complete()`.
        unsafe { self.result.get().write(Some(Err(ECANCELED))) };
        let before = word::cancel(&self.word);
        if before.is_abandoned() {
            return;
        }
        if before.asks() {
            self.tell();
        }
        // Nobody waits for this to be said.
        if !before.is_starting() {
            warn_dropped();
        }
    }

    /// The function that starts has returned, and has not failed.
    #[inline]
    pub(super) fn started(&self) {
        if word::started(&self.word) {
            warn_dropped();
        }
    }

    /// One more will wait.
    fn join(&self) {
        word::join(&self.word);
    }

    /// One less will wait. What was told already is dropped by the last of them, without the lock.
    #[inline]
    fn leave(&self) {
        if word::leave(&self.word) {
            // SAFETY: It is done, and nobody else is left. By the type invariants it is the caller's.
            drop(unsafe { &mut *self.result.get() }.take());
        }
    }

    pub(super) fn is_abandoned(&self) -> bool {
        word::is_abandoned(&self.word)
    }

    #[inline]
    pub(super) fn is_done(&self) -> bool {
        word::is_done(&self.word)
    }

    /// Waits until it is completed.
    #[inline]
    #[track_caller]
    pub(super) fn wait<C: Level, M: ModeAt<C>>(&self, cx: &mut MaySleep<C>, mode: M) -> Result
    where
        E: After<C>,
    {
        self.map.wait();
        if word::is_done(&self.word) {
            return Ok(());
        }
        self.sleep(cx, mode)
    }

    #[inline(never)]
    #[track_caller]
    fn sleep<C: Level, M: ModeAt<C>>(&self, cx: &mut MaySleep<C>, mode: M) -> Result
    where
        E: After<C>,
    {
        if self.holder.load(Relaxed) == Task::current_raw().addr() {
            pr_warn!("a task waits for a completion that only it could complete\n");
            return Err(EDEADLK);
        }
        let held = Held::<_, _, C, Unordered>::new(self.inner.lock(), cx);
        if !word::ask(&self.word) {
            return Ok(());
        }
        let ended = held.on(|slot| &slot.done).until(is_over).wait(mode);
        ended.map_err(Into::into)
    }

    #[inline]
    pub(super) fn set_holder(&self, holder: usize) {
        self.holder.store(holder, Relaxed);
    }
}

/// What those who sleep wait for.
fn is_over(done: &bool) -> bool {
    *done
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
