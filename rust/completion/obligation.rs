// SPDX-License-Identifier: GPL-2.0

//! The obligation to complete, and the wait for it.

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
enum Outcome<T> {
    Pending,
    Done(Result<T>),
    /// Somebody has waited, and has it.
    Taken,
    /// Nobody will wait.
    Abandoned,
}

/// The waiter has gone: this is what it would have been told.
///
/// Dropping it drops the result; `mem::forget` leaks that.
#[derive(Debug, PartialEq, Eq)]
pub struct Abandoned<T>(pub Result<T>);

struct State<T> {
    outcome: Outcome<T>,
    /// The address of the task that has to hand over or complete.
    holder: usize,
    /// The function that starts has not returned: if it fails, nobody will have waited.
    starting: bool,
    /// The completer was dropped.
    dropped: bool,
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

    fn complete(&self, result: Result<T>) -> Result<(), Abandoned<T>> {
        let mut slot = self.inner.lock();
        registry::paid(slot.done.object());
        if matches!(slot.done.outcome, Outcome::Abandoned) {
            return Err(Abandoned(result));
        }
        slot.as_mut().project().done.update(|state| {
            state.holder = 0;
            state.outcome = Outcome::Done(result);
        });
        Ok(())
    }

    /// The completer was dropped. While the function that starts runs, it is not said: it may fail.
    fn cancel(&self) {
        let mut slot = self.inner.lock();
        registry::paid(slot.done.object());
        if matches!(slot.done.outcome, Outcome::Abandoned) {
            return;
        }
        let starting = slot.as_mut().project().done.update(|state| {
            state.holder = 0;
            state.dropped = true;
            state.outcome = Outcome::Done(Err(ECANCELED));
            state.starting
        });
        drop(slot);
        if !starting {
            warn_dropped();
        }
    }

    /// The function that starts has returned, and has not failed.
    fn started(&self) {
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

    /// Nobody will wait. What was told already is dropped without the lock.
    fn abandon(&self) {
        let mut slot = self.inner.lock();
        let told = slot
            .as_mut()
            .project()
            .done
            .update(|state| core::mem::replace(&mut state.outcome, Outcome::Abandoned));
        drop(slot);
        drop(told);
    }

    fn is_abandoned(&self) -> bool {
        matches!(self.inner.lock().done.outcome, Outcome::Abandoned)
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

/// What is taken then; [`None`] if it was taken before.
fn take<T>(state: &mut State<T>) -> Option<Result<T>> {
    match core::mem::replace(&mut state.outcome, Outcome::Taken) {
        Outcome::Done(result) => Some(result),
        // Whoever abandons it has borrowed it mutably, so nobody waits then.
        Outcome::Pending | Outcome::Taken | Outcome::Abandoned => None,
    }
}

/// Starts something, and returns what its end can be waited for by.
///
/// `start` is called with the obligation to complete, and with the capability to sleep. It starts the
/// hardware, or the task, whatever is going to complete, and leaves the completer there first: there is
/// no other way to get one.
///
/// Context: may sleep. Nothing is waited for.
///
/// # Errors
///
/// `ENOMEM`; that of `start`, which may drop the completer without a warning then.
///
/// # Examples
///
/// ```
/// use baton::completion;
/// use baton::event::{Killable, Mode};
/// use baton::{MaySleep, Thread};
/// use kernel::prelude::*;
///
/// fn ask(cx: &mut MaySleep) -> Result<u32> {
///     let mut device = None;
///     let mut answer = completion::start(cx, |completer, cx| {
///         let completer = completer.hand_over();
///         device = Some(Thread::spawn(cx, c"device", move |_, _| {
///             // It fails if nobody waits any more.
///             let _ = completer.complete(Ok(7));
///         })?);
///         Ok(())
///     })?;
///     let result = answer.wait(cx, Killable);
///     device.map_or(Ok(()), |device| device.join(cx))?;
///     result
/// }
///
/// assert_eq!(ask(&mut MaySleep::assert())?, 7);
/// # Ok::<(), Error>(())
/// ```
#[doc(alias("init_completion", "reinit_completion", "DECLARE_COMPLETION_ONSTACK"))]
#[track_caller]
pub fn start<T: Send, C: Level>(
    cx: &mut MaySleep<C>,
    start: impl FnOnce(LocalCompleter<T>, &mut MaySleep<C>) -> Result,
) -> Result<Completion<T>> {
    start_at(cx, start)
}

/// As [`start`], with a place of the wait in the order of the module's [levels](crate::level).
///
/// Context: may sleep. Nothing is waited for.
///
/// # Errors
///
/// As [`start`].
#[track_caller]
pub fn start_at<T: Send, E: Level, C: Level>(
    cx: &mut MaySleep<C>,
    start: impl FnOnce(LocalCompleter<T, E>, &mut MaySleep<C>) -> Result,
) -> Result<Completion<T, E>> {
    let shared = Arc::pin_init(Shared::new(), GFP_KERNEL)?;
    shared.owe();
    let completer = LocalCompleter {
        completer: Completer {
            shared: shared.clone(),
        },
        _not_send: PhantomData,
    };
    let completion = Completion { shared };
    start(completer, cx)?;
    completion.shared.started();
    Ok(completion)
}

/// The end of something that was started.
///
/// Dropping it tells whoever completes that nobody waits. `mem::forget` leaks memory. To wait for it with the
/// completer not handed over, on the task itself, is `EDEADLK`.
#[must_use = "the answer is given back to who completes when this is dropped"]
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
    /// caller has not handed over the completer; `ENODATA` if it was taken already; what `mode` allows
    /// for. After a signal or time-out it can be waited for again.
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
}

impl<T: Send, E: Level> Drop for Completion<T, E> {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}

/// The obligation to complete, on the task that has made it; [hand it over](Self::hand_over).
///
/// It cannot leave that task, so a wait for it there could not end, and is `EDEADLK`. Dropping it is as
/// for [`Completer`], and so is `mem::forget`: the task itself is refused for ever.
#[must_use = "a completer that is dropped completes with an error"]
pub struct LocalCompleter<T: Send, E: Level = Unordered> {
    completer: Completer<T, E>,
    // The completion knows by task who has it.
    _not_send: PhantomData<NotThreadSafe>,
}

impl<T: Send, E: Level> LocalCompleter<T, E> {
    /// Makes it something that others can complete, in whatever context.
    ///
    /// Context: any.
    pub fn hand_over(self) -> Completer<T, E> {
        self.completer.shared.set_holder(0);
        self.completer
    }

    /// As [`Completer::complete`].
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn complete(self, result: Result<T>) -> Result<(), Abandoned<T>> {
        self.completer.complete(result)
    }
}

/// The obligation to complete.
///
/// Dropping it completes with `ECANCELED`, and counts and warns if somebody may wait. `mem::forget` leaks
/// memory, and the wait does not end but by its mode. A task that keeps it and waits waits for itself, and
/// is not refused: nobody knows where a completer is that was handed over.
#[must_use = "a completer that is dropped completes with an error"]
pub struct Completer<T: Send, E: Level = Unordered> {
    shared: Arc<Shared<T, E>>,
}

impl<T: Send, E: Level> Completer<T, E> {
    /// Completes, and wakes who waits.
    ///
    /// Context: any, hard interrupts included.
    ///
    /// # Errors
    ///
    /// What was to be told, if nobody waits any more: the [`Completion`] was dropped.
    #[doc(alias = "complete_all")]
    pub fn complete(self, result: Result<T>) -> Result<(), Abandoned<T>> {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used any more, and not dropped.
        let shared = unsafe { ptr::read(&this.shared) };
        shared.complete(result)
    }

    /// Returns whether nobody waits any more.
    ///
    /// Context: any.
    pub fn is_abandoned(&self) -> bool {
        self.shared.is_abandoned()
    }
}

impl<T: Send, E: Level> Drop for Completer<T, E> {
    fn drop(&mut self) {
        self.shared.cancel();
    }
}
