// SPDX-License-Identifier: GPL-2.0

//! The obligation to complete.

use super::{
    cell::{
        Abandoned,
        Shared,
        Side, //
    },
    wait::Completion, //
};
use crate::{
    context::MaySleep,
    level::{
        Level,
        Unordered, //
    },
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr, //
};
use kernel::{
    prelude::*,
    sync::Arc,
    types::NotThreadSafe, //
};

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
    let side = Side(shared);
    start(completer, cx)?;
    side.0.started();
    Ok(Completion::new(side))
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
/// memory, and the wait does not end but by its mode. A task that keeps it and waits, waits for itself, and
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
