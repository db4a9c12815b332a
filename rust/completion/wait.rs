// SPDX-License-Identifier: GPL-2.0

//! The wait for a completion: by one task, which takes the result, or by many, who look at it.

use super::cell::Side;
use crate::{
    context::MaySleep,
    event::ModeAt,
    level::{
        After,
        Level,
        Unordered, //
    },
};
use kernel::prelude::*;

/// The end of something that was started.
///
/// Dropping it tells whoever completes that nobody waits. `mem::forget` leaks memory. To wait for it with the
/// completer not handed over, on the task itself, is `EDEADLK`.
#[must_use = "the answer is given back to who completes when this is dropped"]
pub struct Completion<T: Send, E: Level = Unordered> {
    side: Side<T, E>,
}

impl<T: Send, E: Level> Completion<T, E> {
    pub(super) fn new(side: Side<T, E>) -> Self {
        Self { side }
    }
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
    pub fn wait<C: Level, M: ModeAt<C>>(&mut self, cx: &mut MaySleep<C>, mode: M) -> Result<T>
    where
        E: After<C>,
    {
        self.side.0.wait(cx, mode)?;
        self.take().unwrap_or(Err(ENODATA))
    }

    /// Takes the result, which is there, unless it was taken already.
    fn take(&mut self) -> Option<Result<T>> {
        // SAFETY: It was completed, and there is one who waits, which has borrowed it mutably: by the type
        // invariants nobody else has the result.
        unsafe { &mut *self.side.0.result.get() }.take()
    }

    /// Returns what it was completed with, or [`None`] if it is not, or was taken already.
    ///
    /// Context: any.
    #[doc(alias = "try_wait_for_completion")]
    pub fn try_wait(&mut self) -> Option<Result<T>> {
        if self.is_done() {
            self.take()
        } else {
            None
        }
    }

    /// Returns whether it is completed, so that a wait does not sleep.
    ///
    /// Context: any.
    #[doc(alias = "completion_done")]
    pub fn is_done(&self) -> bool {
        self.side.0.is_done()
    }

    /// Makes it one that many can wait for: all of them get the same.
    ///
    /// Whoever completes does the same as before. If the result was taken already, all of them get `ENODATA`.
    ///
    /// Context: any.
    #[doc(alias = "complete_all")]
    pub fn share(self) -> SharedCompletion<T, E>
    where
        T: Sync,
    {
        SharedCompletion { side: self.side }
    }
}

/// The end of something that was started, for any number of tasks: see [`Completion::share`].
///
/// Each of them has a clone, or a reference. What it was completed with stays where it is: a wait returns a
/// reference to it, which lives as long as the clone that has waited. So nothing is copied, and no code of `T`
/// runs under a lock.
///
/// Dropping the last one tells whoever completes that nobody waits, and drops the result. `mem::forget` leaks
/// memory, and the completer is not told. To wait for it with the completer not handed over, on the task
/// itself, is `EDEADLK`.
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
/// let mut device = None;
/// let loaded = completion::start(cx, |completer, _| {
///     device = Some(completer.hand_over());
///     Ok(())
/// })?
/// .share();
/// let theirs = loaded.clone();
/// let user = Thread::spawn(cx, c"user", move |cx, _| {
///     let _ = theirs.wait(cx, Killable).map(|firmware: &KVec<u8>| firmware.len());
/// })?;
/// if let Some(completer) = device {
///     let _ = completer.complete(Ok(KVec::new()));
/// }
/// assert!(loaded.wait(cx, Killable)?.is_empty());
/// user.join(cx)?;
/// // It stays so.
/// assert!(loaded.is_done());
/// # Ok::<(), Error>(())
/// ```
#[must_use = "the answer is given back to who completes when this is dropped"]
pub struct SharedCompletion<T: Send + Sync, E: Level = Unordered> {
    side: Side<T, E>,
}

impl<T: Send + Sync + 'static, E: Level> SharedCompletion<T, E> {
    /// Waits until it is completed, and returns what it was completed with.
    ///
    /// Context: may sleep. What the task holds stands above the wait: `E: After<C>`.
    ///
    /// # Errors
    ///
    /// What it was completed with; `ECANCELED` if the completer was dropped; `EDEADLK` at once if the
    /// caller has not handed over the completer; what `mode` allows for. After a signal or time-out it can be
    /// waited for again.
    #[doc(alias("wait_for_completion", "wait_for_completion_timeout"))]
    #[track_caller]
    pub fn wait<C: Level, M: ModeAt<C>>(&self, cx: &mut MaySleep<C>, mode: M) -> Result<&T>
    where
        E: After<C>,
    {
        self.side.0.wait(cx, mode)?;
        self.result()
    }

    /// Returns what it was completed with, or [`None`] if it is not.
    ///
    /// Context: any.
    #[doc(alias = "try_wait_for_completion")]
    pub fn try_wait(&self) -> Option<Result<&T>> {
        self.is_done().then(|| self.result())
    }

    /// Returns whether it is completed, so that a wait does not sleep.
    ///
    /// Context: any.
    #[doc(alias = "completion_done")]
    pub fn is_done(&self) -> bool {
        self.side.0.is_done()
    }

    /// Returns the result, which is there.
    fn result(&self) -> Result<&T> {
        // SAFETY: It was completed. By the type invariants the result belongs to those who wait, and as long as
        // there is one of these, which look at it only, it does not change.
        match unsafe { &*self.side.0.result.get() } {
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) => Err(*error),
            None => Err(ENODATA),
        }
    }
}

impl<T: Send + Sync, E: Level> Clone for SharedCompletion<T, E> {
    fn clone(&self) -> Self {
        Self {
            side: self.side.clone(),
        }
    }
}
