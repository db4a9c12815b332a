// SPDX-License-Identifier: GPL-2.0

//! Kernel threads that bring the capability to sleep, can be stopped in every wait, and are gone before
//! their code is.
//!
//! C header: [`include/linux/kthread.h`](srctree/include/linux/kthread.h)

mod builder;
mod kthread;
mod stop;

pub use builder::Builder;
pub use stop::Stop;

use crate::{
    context::MaySleep,
    event::{
        Limit,
        Mode,
        ModeAt,
        Uninterruptible,
        WaitError, //
    },
    owner::{
        Owned,
        Teardown,
        TeardownError, //
    },
};
use core::panic::Location;
use kernel::{
    prelude::*,
    task::Task, //
};
use kthread::Core;

/// A kernel thread.
///
/// It is ended by [`Thread::stop`], or by itself, and then [joined](Thread::join).
///
/// Dropping it asks the thread to stop and does not wait: a destructor may run where nobody can sleep,
/// or in the thread itself. A worker waits for it, and the log names the thread. `mem::forget`, or a
/// `static`, leaves it running; it is stopped, waited for and named when its module goes. See
/// [`owner`](crate::owner).
///
/// A thread that asks for its own end, or waits for it, gets `EDEADLK` and the handle back.
///
/// # Examples
///
/// ```
/// use baton::{MaySleep, Thread};
/// use kernel::prelude::*;
///
/// let cx = &mut MaySleep::assert();
/// let thread = Thread::spawn(cx, c"baton_example", |_cx, stop| {
///     while !stop.requested() {
///         // One step of the work.
/// #       break;
///     }
/// })?;
/// thread.join(cx)?;
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "kthread")]
pub struct Thread {
    core: Owned<Core>,
}

impl Builder<'_> {
    /// As [`Thread::spawn`].
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn spawn<F>(self, _cx: &mut MaySleep, body: F) -> Result<Thread>
    where
        F: FnOnce(&mut MaySleep, &Stop<'_>) + Send + 'static,
    {
        Ok(Thread {
            core: Core::spawn(self.name, self.freezable, Location::caller(), body)?,
        })
    }
}

impl Thread {
    /// Creates a thread that runs `body`; [`Builder`] creates one that the freezer may stop.
    ///
    /// A thread that is stopped before it has begun drops `body` without running it.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `EINTR` if the caller was killed meanwhile; `ESHUTDOWN` if the module goes.
    #[doc(alias("kthread_run", "kthread_create"))]
    #[track_caller]
    pub fn spawn<F>(cx: &mut MaySleep, name: &CStr, body: F) -> Result<Self>
    where
        F: FnOnce(&mut MaySleep, &Stop<'_>) + Send + 'static,
    {
        Builder::new(name).spawn(cx, body)
    }

    /// Waits until `body` has returned, then until the thread has exited.
    ///
    /// Context: may sleep, for as long as `body` runs.
    ///
    /// # Errors
    ///
    /// The thread, with `EDEADLK` if it is the caller, or `ECANCELED` if the caller is to stop itself.
    pub fn join(self, cx: &mut MaySleep) -> Result<(), TeardownError<Self>> {
        // Its event is never closed: that stands for the stop.
        self.join_as(cx, Uninterruptible, |_| ECANCELED)
    }

    /// As [`Thread::join`], for no longer than `limit`.
    ///
    /// Context: may sleep, as [`Thread::join`].
    ///
    /// # Errors
    ///
    /// Those of [`Thread::join`], and `ETIMEDOUT` if `body` has not returned by then.
    pub fn join_timeout<T: Limit>(
        self,
        cx: &mut MaySleep,
        limit: T,
    ) -> Result<(), TeardownError<Self>> {
        self.join_as(cx, Uninterruptible.timeout(limit), WaitError::into)
    }

    fn join_as<M: ModeAt>(
        self,
        cx: &mut MaySleep,
        mode: M,
        error: fn(M::Error) -> Error,
    ) -> Result<(), TeardownError<Self>> {
        if self.core.is_mine() {
            return Err(self.refused(EDEADLK));
        }
        match self.core.wait_finished(cx, mode) {
            Ok(()) => self.stop(cx),
            Err(e) => Err(self.refused(error(e))),
        }
    }

    /// Asks the thread to stop, and waits until it has exited.
    ///
    /// The thread may be in any wait: see [`Stop`]. That the caller is to stop itself does not end this
    /// wait. A thread that does not end is named in the log every ten seconds, with where it sleeps.
    ///
    /// Context: may sleep, until `body` has returned.
    ///
    /// # Errors
    ///
    /// The thread, with `EDEADLK`, if it is the caller; nothing was asked of it then.
    #[doc(alias = "kthread_stop")]
    pub fn stop(self, _cx: &mut MaySleep) -> Result<(), TeardownError<Self>> {
        self.end()
    }

    /// Returns whether the caller is this thread.
    pub(crate) fn is_current(&self) -> bool {
        self.core.is_current()
    }

    /// As [`Thread::stop`], for who has the capability of a level.
    pub(crate) fn end(self) -> Result<(), TeardownError<Self>> {
        self.core
            .tear_down()
            .map_err(|refused| refused.map(|core| Self { core }))
    }

    /// Asks the thread to stop, and does not wait.
    ///
    /// Context: any.
    pub fn request_stop(&self) {
        self.core.ask();
    }

    fn refused(self, error: Error) -> TeardownError<Self> {
        TeardownError {
            object: self,
            error,
        }
    }

    /// Returns whether `body` has returned.
    ///
    /// Context: may sleep, though it does so only for a lock.
    pub fn is_finished(&self, cx: &mut MaySleep) -> bool {
        self.core.is_finished(cx)
    }

    /// Sends the thread a signal that ends interruptible waits. It has it also if it has not begun yet; one that
    /// begins meanwhile may have it twice.
    ///
    /// Context: any.
    pub fn interrupt(&self) {
        self.core.interrupt();
    }

    /// Sends the thread a fatal signal: it ends interruptible and killable waits, nothing else. It has it also if it
    /// has not begun yet; one that begins meanwhile may have it twice.
    ///
    /// Context: any.
    pub fn kill(&self) {
        self.core.kill();
    }

    /// Returns the task.
    ///
    /// Context: any.
    pub fn task(&self) -> &Task {
        self.core.task()
    }
}
