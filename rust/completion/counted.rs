// SPDX-License-Identifier: GPL-2.0

//! A completion that is completed many times; each wait uses up one of them.

use super::cell::Abandoned;
use crate::{
    context::MaySleep,
    event::{
        when,
        Any,
        Claim,
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
use core::marker::PhantomData;
use kernel::{
    prelude::*,
    static_lock_class,
    sync::{
        Arc,
        LockClassKey,
        SpinLockIrq, //
    },
    task::Task,
    types::NotThreadSafe, //
};

struct Count {
    /// Completed, and not waited for yet.
    done: usize,
    /// How many can complete.
    completers: usize,
    /// How many wait, or will.
    sides: usize,
    /// The address of the task that has to hand over.
    holder: usize,
}

#[pin_data]
struct Slot<E: Level> {
    #[pin]
    count: Event<Count, Any, E>,
}

#[pin_data]
struct Shared<E: Level> {
    #[pin]
    inner: SpinLockIrq<Slot<E>>,
}

/// A lockdep class, and its name.
type Class = (&'static CStr, Pin<&'static LockClassKey>);

/// The lockdep class of the lock.
// Not generic, never inlined: one key with one name at one address, for all users.
#[inline(never)]
fn lock_class() -> Class {
    (c"baton_completion_counted", static_lock_class!())
}

/// The lockdep class of the wait.
#[inline(never)]
fn wait_class() -> Class {
    (c"baton_completion_counted", static_lock_class!())
}

/// Whether a wait does not sleep.
fn is_over(count: &Count) -> bool {
    count.done > 0 || count.completers == 0
}

/// Uses up one; if there is none, there will be none.
fn take(count: &mut Count) -> Result {
    if count.done == 0 {
        return Err(ECANCELED);
    }
    count.done -= 1;
    Ok(())
}

/// What a wait is for.
fn one() -> impl Claim<Count, Output = Result> {
    when(is_over, take)
}

impl<E: Level> Slot<E> {
    fn new() -> impl PinInit<Self> {
        let count = Count {
            done: 0,
            completers: 1,
            sides: 1,
            holder: Task::current_raw().addr(),
        };
        let (name, key) = wait_class();
        pin_init!(Self { count <- Event::of_kind(Kind::Completion, count, name, key) })
    }
}

impl<E: Level> Shared<E> {
    fn new() -> impl PinInit<Self> {
        let (name, key) = lock_class();
        pin_init!(Self { inner <- SpinLockIrq::new(Slot::new(), name, key) })
    }

    fn update<R>(&self, change: impl FnOnce(&mut Count) -> R) -> R {
        let mut slot = self.inner.lock();
        slot.as_mut().project().count.update(change)
    }

    /// Tells the registry that the caller has to complete it.
    #[track_caller]
    fn owe(&self) {
        if registry::is_on() {
            registry::owe(Kind::Completion, self.inner.lock().count.object());
        }
    }

    /// One that could complete does not any more.
    fn gone(&self) {
        let mut slot = self.inner.lock();
        registry::paid(slot.count.object());
        slot.as_mut().project().count.update(|count| {
            count.holder = 0;
            count.completers -= 1;
        });
    }
}

/// Starts something that completes many times, and returns what that can be waited for by.
///
/// `start` is called with what completes, as in [`start`](super::start). There may be any number of these:
/// clones are for workers of which each completes once, or for interrupts of several queues.
///
/// Context: may sleep. Nothing is waited for.
///
/// # Errors
///
/// `ENOMEM`; that of `start`.
///
/// # Examples
///
/// ```
/// use baton::completion;
/// use baton::event::{Killable, Mode};
/// use baton::{MaySleep, Thread};
/// use kernel::prelude::*;
///
/// let cx = &mut MaySleep::assert();
/// let mut workers = KVec::new();
/// let done = completion::start_counted(cx, |completer, cx| {
///     let completer = completer.hand_over();
///     for _ in 0..3 {
///         let completer = completer.clone();
///         let worker = Thread::spawn(cx, c"worker", move |_, _| {
///             let _ = completer.complete();
///         })?;
///         workers.push(worker, GFP_KERNEL)?;
///     }
///     Ok(())
/// })?;
/// for _ in 0..3 {
///     done.wait(cx, Killable)?;
/// }
/// // The completers are gone: nobody waits for a fourth one.
/// for worker in workers {
///     worker.join(cx)?;
/// }
/// assert_eq!(done.wait(cx, Killable), Err(ECANCELED));
/// # Ok::<(), Error>(())
/// ```
#[doc(alias("init_completion", "reinit_completion", "DECLARE_COMPLETION_ONSTACK"))]
#[track_caller]
pub fn start_counted<C: Level>(
    cx: &mut MaySleep<C>,
    start: impl FnOnce(LocalCounted, &mut MaySleep<C>) -> Result,
) -> Result<CountedCompletion> {
    start_counted_at(cx, start)
}

/// As [`start_counted`], with a place of the wait in the order of the module's [levels](crate::level).
///
/// Context: may sleep. Nothing is waited for.
///
/// # Errors
///
/// As [`start_counted`].
#[track_caller]
pub fn start_counted_at<E: Level, C: Level>(
    cx: &mut MaySleep<C>,
    start: impl FnOnce(LocalCounted<E>, &mut MaySleep<C>) -> Result,
) -> Result<CountedCompletion<E>> {
    let shared = Arc::pin_init(Shared::new(), GFP_KERNEL)?;
    shared.owe();
    let completion = CountedCompletion {
        shared: shared.clone(),
    };
    let completer = LocalCounted {
        completer: CountedCompleter { shared },
        _not_send: PhantomData,
    };
    start(completer, cx)?;
    Ok(completion)
}

/// What completes, on the task that has made it; [hand it over](Self::hand_over).
///
/// It cannot leave that task, so a wait there that nothing was completed for could not end, and is `EDEADLK`.
/// Dropping it is as for [`CountedCompleter`], and so is `mem::forget`: the task itself is refused for ever.
#[must_use = "when the last completer is dropped, waits end with an error"]
pub struct LocalCounted<E: Level = Unordered> {
    completer: CountedCompleter<E>,
    // The completion knows by task who has it.
    _not_send: PhantomData<NotThreadSafe>,
}

impl<E: Level> LocalCounted<E> {
    /// Makes it something that others can complete with, in whatever context.
    ///
    /// Context: any.
    pub fn hand_over(self) -> CountedCompleter<E> {
        self.completer.shared.update(|count| count.holder = 0);
        self.completer
    }
}

/// The permission to complete, again and again.
///
/// A clone is one more. Dropping the last one ends the waits, when what was completed is used up, with
/// `ECANCELED`: nobody waits for what cannot come. So a worker that returns early is a failed wait. `mem::forget`
/// leaks memory, and the waits do not end but by their mode. A task that waits, and keeps one, waits for itself.
#[must_use = "when the last completer is dropped, waits end with an error"]
pub struct CountedCompleter<E: Level = Unordered> {
    shared: Arc<Shared<E>>,
}

impl<E: Level> CountedCompleter<E> {
    /// Completes once, and wakes one of those who wait.
    ///
    /// Context: any, hard interrupts included; on `PREEMPT_RT`, not with interrupts off.
    ///
    /// # Errors
    ///
    /// [`Abandoned`] if nobody waits any more: every [`CountedCompletion`] was dropped.
    pub fn complete(&self) -> Result<(), Abandoned<()>> {
        self.shared.update(|count| {
            if count.sides == 0 {
                return Err(Abandoned(Ok(())));
            }
            count.done += 1;
            Ok(())
        })
    }
}

impl<E: Level> Clone for CountedCompleter<E> {
    #[track_caller]
    fn clone(&self) -> Self {
        self.shared.update(|count| count.completers += 1);
        self.shared.owe();
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<E: Level> Drop for CountedCompleter<E> {
    fn drop(&mut self) {
        self.shared.gone();
    }
}

/// What is completed many times: each wait uses up one.
///
/// It can be shared, or cloned; those who wait are served in their order. Dropping the last one tells whoever
/// completes that nobody waits. `mem::forget` leaks memory, and nobody is told. To wait for it with the
/// completer not handed over, on the task itself, is `EDEADLK`.
#[must_use = "who completes is told that nobody waits when this is dropped"]
pub struct CountedCompletion<E: Level = Unordered> {
    shared: Arc<Shared<E>>,
}

impl<E: Level> CountedCompletion<E> {
    /// Waits until it is completed once more than was waited for.
    ///
    /// Context: may sleep. What the task holds stands above the wait: `E: After<C>`.
    ///
    /// # Errors
    ///
    /// `ECANCELED` if all completers were dropped, and what they have completed is used up; `EDEADLK` at once if
    /// the caller has not handed over the completer; what `mode` allows for. Nothing is used up then.
    #[doc(alias("wait_for_completion", "wait_for_completion_timeout"))]
    #[track_caller]
    pub fn wait<C: Level, M: ModeAt<C>>(&self, cx: &mut MaySleep<C>, mode: M) -> Result
    where
        E: After<C>,
    {
        let held = Held::<_, _, C, Unordered>::new(self.shared.inner.lock(), cx);
        if held.count.holder == Task::current_raw().addr() {
            pr_warn!("a task waits for a completion that only it could complete\n");
            return Err(EDEADLK);
        }
        let ended = held.on(|slot| &slot.count).claim(one()).wait(mode);
        ended.map_err(Into::into)?
    }

    /// Uses up one, if it is completed; returns whether it was.
    ///
    /// Context: any.
    #[doc(alias = "try_wait_for_completion")]
    pub fn try_wait(&self) -> bool {
        self.shared.update(|count| take(count).is_ok())
    }

    /// Returns whether it is completed more often than was waited for.
    ///
    /// Context: any.
    #[doc(alias = "completion_done")]
    pub fn is_done(&self) -> bool {
        self.shared.inner.lock().count.done > 0
    }
}

impl<E: Level> Clone for CountedCompletion<E> {
    fn clone(&self) -> Self {
        self.shared.update(|count| count.sides += 1);
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<E: Level> Drop for CountedCompletion<E> {
    fn drop(&mut self) {
        self.shared.update(|count| count.sides -= 1);
    }
}
