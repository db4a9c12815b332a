// SPDX-License-Identifier: GPL-2.0

//! The request to stop, as the thread sees it.
//!
//! C header: [`include/linux/kthread.h`](srctree/include/linux/kthread.h)

use crate::{
    context::MaySleep,
    level::Level,
    stop::{
        Body,
        Deferred, //
    },
};
use kernel::types::NotThreadSafe;

/// The request to stop, as the thread sees it.
///
/// A request that the thread has not seen yet ends its waits, whatever their mode: they fail with
/// [`WaitError::Stopped`], or with [`Closed`] where that is the only error. Once [`Stop::requested`]
/// has returned `true`, waits are as ever, so that the thread can clean up.
///
/// It is for the thread itself, and cannot leave it. Dropping it does nothing, nor does `mem::forget`: the thread owns
/// the request.
///
/// [`Closed`]: crate::event::Closed
/// [`WaitError::Stopped`]: crate::event::WaitError::Stopped
pub struct Stop<'b> {
    body: &'b Body,
    // It is about the calling thread.
    _not_send: NotThreadSafe,
}

impl<'b> Stop<'b> {
    /// For the thread of `body`.
    pub(super) fn new(body: &'b Body) -> Self {
        Self {
            body,
            _not_send: NotThreadSafe,
        }
    }

    /// Returns whether the thread has been asked to stop.
    ///
    /// Context: the thread; it may hold anything.
    #[doc(alias = "kthread_should_stop")]
    #[inline]
    pub fn requested(&self) -> bool {
        self.body.is_requested()
    }

    /// As [`Stop::requested`], and lets the freezer stop the thread here if it wants to.
    ///
    /// For a thread that is [freezable](super::Builder::freezable), between two steps of its work; it returns
    /// after the thaw. Where a thread waits, a [freezable](crate::event::Mode::freezable) wait does the same.
    ///
    /// Context: the thread, may sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// use baton::thread::Builder;
    /// use baton::MaySleep;
    /// use kernel::prelude::*;
    ///
    /// let cx = &mut MaySleep::assert();
    /// let thread = Builder::new(c"baton_example").freezable().spawn(cx, |cx, stop| {
    ///     while !stop.requested_or_freeze(cx) {
    ///         // One step of the work.
    /// #       break;
    ///     }
    /// })?;
    /// thread.join(cx)?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias("kthread_freezable_should_stop", "try_to_freeze"))]
    pub fn requested_or_freeze(&self, cx: &mut MaySleep) -> bool {
        if self.requested() {
            return true;
        }
        cx.try_to_freeze();
        self.requested()
    }

    /// Calls `f`, in which a stop ends no wait.
    ///
    /// For what must not be left half done. Whoever stops the thread waits for that.
    ///
    /// Context: that of `f`, which may sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// use baton::{MaySleep, Thread};
    /// use kernel::prelude::*;
    ///
    /// let cx = &mut MaySleep::assert();
    /// let thread = Thread::spawn(cx, c"baton_example", |cx, stop| {
    ///     stop.deferred(cx, |_cx| {
    ///         // A wait here ends with its event only.
    ///     });
    /// })?;
    /// thread.join(cx)?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn deferred<L: Level, R>(
        &self,
        cx: &mut MaySleep<L>,
        f: impl FnOnce(&mut MaySleep<L>) -> R,
    ) -> R {
        let _deferred = Deferred::new();
        f(cx)
    }
}
