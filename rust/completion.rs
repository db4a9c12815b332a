// SPDX-License-Identifier: GPL-2.0

//! Completions: one task is told by another that something has ended, and how.
//!
//! C header: [`include/linux/completion.h`](srctree/include/linux/completion.h)
//!
//! In C, whoever forgets `complete()` on one path hangs the waiter, and so does a task that waits for
//! what it would complete itself. Here the obligation is a value. Dropping it completes with an error,
//! so a forgotten path is a failed operation and a line in the log. While the task that has made it
//! has not handed it over, it cannot wait.

use crate::{
    context::MaySleep,
    event::{
        when,
        Any,
        Event,
        Mode, //
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
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr, //
};
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
    task::Task,
    types::NotThreadSafe, //
};

/// Completers that were dropped without completing.
static DROPPED: Atomic<u64> = Atomic::new(0);

/// Returns how many completers were dropped without completing since the library was loaded.
pub fn dropped_completers() -> u64 {
    DROPPED.load(Relaxed)
}

/// How far it is.
enum Outcome<T> {
    Pending,
    Done(Result<T>),
    /// Somebody has waited, and has it.
    Taken,
}

struct State<T> {
    outcome: Outcome<T>,
    /// The address of the task that has to hand over or complete.
    holder: usize,
}

#[pin_data]
struct Slot<T, E: Level> {
    #[pin]
    done: Event<State<T>, Any, E>,
}

#[pin_data]
struct Shared<T, E: Level> {
    #[pin]
    inner: SpinLockIrq<Slot<T, E>>,
}

impl<T, E: Level> Slot<T, E> {
    fn new() -> impl PinInit<Self> {
        let state = State {
            outcome: Outcome::Pending,
            holder: Task::current_raw().addr(),
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
    fn new() -> impl PinInit<Self> {
        let (name, key) = lock_class();
        pin_init!(Self { inner <- SpinLockIrq::new(Slot::new(), name, key) })
    }

    /// Tells the registry that the caller has to complete it.
    #[inline]
    #[track_caller]
    fn owe(&self) {
        if registry::is_on() {
            registry::owe(Kind::Completion, self.inner.lock().done.object());
        }
    }

    fn complete(&self, result: Result<T>) {
        let mut slot = self.inner.lock();
        registry::paid(slot.done.object());
        slot.as_mut().project().done.update(|state| {
            state.holder = 0;
            state.outcome = Outcome::Done(result);
        });
    }

    fn set_holder(&self, holder: usize) {
        let mut slot = self.inner.lock();
        slot.as_mut()
            .project()
            .done
            .update(|state| state.holder = holder);
    }
}

/// What is waited for.
fn is_over<T>(state: &State<T>) -> bool {
    !matches!(state.outcome, Outcome::Pending)
}

/// What is taken then; [`None`] if somebody was faster.
fn take<T>(state: &mut State<T>) -> Option<Result<T>> {
    match core::mem::replace(&mut state.outcome, Outcome::Taken) {
        Outcome::Done(result) => Some(result),
        Outcome::Pending | Outcome::Taken => None,
    }
}

/// Creates a completion and the obligation to complete it.
///
/// `E` is the place of the wait in the order of the module's [levels](crate::level).
///
/// # Errors
///
/// `ENOMEM`.
///
/// # Examples
///
/// ```
/// use baton::completion;
/// use baton::event::{Killable, Mode};
/// use baton::MaySleep;
/// use kernel::prelude::*;
/// use kernel::workqueue;
///
/// fn ask(cx: &mut MaySleep) -> Result<u32> {
///     let (completer, mut completion) = completion::pair::<u32>()?;
///     let completer = completer.hand_over();
///     workqueue::system().try_spawn(GFP_KERNEL, move || completer.complete(Ok(7)))?;
///     completion.wait(cx, Killable)
/// }
/// ```
#[doc(alias("init_completion", "DECLARE_COMPLETION_ONSTACK"))]
#[track_caller]
pub fn pair<T: Send>() -> Result<(LocalCompleter<T>, Completion<T>)> {
    pair_at()
}

/// As [`pair`], with a place in the order.
#[track_caller]
pub fn pair_at<T: Send, E: Level>() -> Result<(LocalCompleter<T, E>, Completion<T, E>)> {
    let shared = Arc::pin_init(Shared::new(), GFP_KERNEL)?;
    shared.owe();
    Ok((
        LocalCompleter {
            completer: Completer {
                shared: shared.clone(),
            },
            _not_send: PhantomData,
        },
        Completion { shared },
    ))
}

/// What is waited for.
///
/// `mem::forget` leaks memory.
pub struct Completion<T: Send, E: Level = Unordered> {
    shared: Arc<Shared<T, E>>,
}

impl<T: Send + 'static, E: Level> Completion<T, E> {
    /// Waits until it is completed, and returns what it was completed with.
    ///
    /// Context: may sleep. What the task holds stands above the wait: `E: After<C>`.
    ///
    /// # Errors
    ///
    /// What it was completed with; `ECANCELED` if the completer was dropped; `EDEADLK` at once if the
    /// caller is the task that has to complete it; `ENODATA` if it was taken already, see
    /// [`Completion::reinit`]; what `mode` allows for.
    #[doc(alias(
        "wait_for_completion",
        "wait_for_completion_timeout",
        "wait_for_completion_interruptible",
        "wait_for_completion_killable",
        "wait_for_completion_io"
    ))]
    #[track_caller]
    pub fn wait<C: Level, M: Mode>(&mut self, cx: &mut MaySleep<C>, mode: M) -> Result<T>
    where
        E: After<C>,
    {
        let held = Held::<_, _, C, Unordered>::new(self.shared.inner.lock(), cx);
        if held.done.holder == Task::current_raw().addr() {
            pr_warn!("a task waits for a completion that only it could complete\n");
            return Err(EDEADLK);
        }
        let ended = held.on(|slot| &slot.done).when(is_over, take).wait(mode);
        ended.map_err(Into::into)?.unwrap_or(Err(ENODATA))
    }

    /// Returns what it was completed with, or [`None`] if it is not, or was taken already.
    ///
    /// Context: any.
    #[doc(alias("try_wait_for_completion", "completion_done"))]
    pub fn try_wait(&mut self) -> Option<Result<T>> {
        let mut slot = self.shared.inner.lock();
        let done = slot.as_mut().project().done;
        done.try_claim(when(is_over, take)).flatten()
    }

    /// Makes it pending again, and returns the new obligation.
    ///
    /// # Errors
    ///
    /// `EBUSY` while there is a completer: nobody is left behind who would complete the next one.
    #[doc(alias = "reinit_completion")]
    #[track_caller]
    pub fn reinit(&mut self) -> Result<LocalCompleter<T, E>> {
        let mut slot = self.shared.inner.lock();
        if matches!(slot.done.outcome, Outcome::Pending) {
            return Err(EBUSY);
        }
        // What nobody has taken is dropped without the lock.
        let before = slot.as_mut().project().done.update(|state| {
            state.holder = Task::current_raw().addr();
            core::mem::replace(&mut state.outcome, Outcome::Pending)
        });
        drop(slot);
        drop(before);
        self.shared.owe();
        Ok(LocalCompleter {
            completer: Completer {
                shared: self.shared.clone(),
            },
            _not_send: PhantomData,
        })
    }
}

/// The obligation to complete, on the task that has made it; [hand it over](Self::hand_over).
///
/// It cannot leave that task, so a wait for it there could not end, and does not begin. Dropping it is
/// as for [`Completer`].
#[must_use = "a completer that is dropped completes with an error"]
pub struct LocalCompleter<T: Send, E: Level = Unordered> {
    completer: Completer<T, E>,
    // The completion knows by task who has it.
    _not_send: PhantomData<NotThreadSafe>,
}

impl<T: Send, E: Level> LocalCompleter<T, E> {
    /// Makes it something that others can complete, in whatever context.
    pub fn hand_over(self) -> Completer<T, E> {
        self.completer.shared.set_holder(0);
        self.completer
    }

    /// As [`Completer::complete`].
    pub fn complete(self, result: Result<T>) {
        self.completer.complete(result);
    }
}

/// The obligation to complete.
///
/// Dropping it completes with `ECANCELED`, counts, and warns. `mem::forget` leaks memory, and the wait
/// does not end but by its mode.
#[must_use = "a completer that is dropped completes with an error"]
pub struct Completer<T: Send, E: Level = Unordered> {
    shared: Arc<Shared<T, E>>,
}

impl<T: Send, E: Level> Completer<T, E> {
    /// Completes, and wakes who waits.
    ///
    /// Context: any, hard interrupts included.
    #[doc(alias = "complete_all")]
    pub fn complete(self, result: Result<T>) {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used any more, and not dropped.
        let shared = unsafe { ptr::read(&this.shared) };
        shared.complete(result);
    }
}

impl<T: Send, E: Level> Drop for Completer<T, E> {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Relaxed);
        pr_warn!("a completer was dropped: its waiter gets an error\n");
        self.shared.complete(Err(ECANCELED));
    }
}
