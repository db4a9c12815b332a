// SPDX-License-Identifier: GPL-2.0

//! A request that was just handed to the driver, which has to do something with it.

use super::Request;
use core::{
    mem::ManuallyDrop,
    ops::{
        Deref,
        DerefMut, //
    },
};
use kernel::prelude::*;

/// A request that [`Operations::queue_rq`] was called with.
///
/// It is ended there, or [kept](Self::keep) to be ended from elsewhere. A path on which neither happens
/// makes a module that cannot be linked: dropping this refers to a symbol that does not exist. For that
/// the compiler has to see what becomes of it, so use it up in the function that gets it.
///
/// `mem::forget` leaks the request, as with [`Request`]. Ending it in [`Operations::queue_rq`] itself is fine;
/// so is doing I/O to another disk there. A driver that waits there for I/O to its own disk may wait for
/// itself, and no type sees that.
///
/// # Examples
///
/// ```no_run
/// use baton::block::Queued;
/// use kernel::prelude::*;
///
/// fn serve(request: Queued, keep: bool) {
///     if keep {
///         // Dropped, this one is ended with an error when it is run.
///         drop(request.keep());
///     } else {
///         request.end(Ok(()));
///     }
/// }
/// ```
///
/// [`Operations::queue_rq`]: super::Operations::queue_rq
#[must_use = "a request has to be ended or kept"]
pub struct Queued {
    request: ManuallyDrop<Request>,
}

impl Queued {
    #[inline(always)]
    pub(super) fn new(request: Request) -> Self {
        Self {
            request: ManuallyDrop::new(request),
        }
    }

    /// Takes the request, to end it later, in any context.
    ///
    /// Context: any.
    #[inline(always)]
    pub fn keep(self) -> Request {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used any more, and not dropped.
        unsafe { ManuallyDrop::take(&mut this.request) }
    }

    /// Ends the request: see [`Request::end`].
    ///
    /// Context: as [`Request::end`].
    #[doc(alias = "blk_mq_end_request")]
    #[inline(always)]
    pub fn end(self, result: Result) {
        self.keep().end(result);
    }
}

impl Deref for Queued {
    type Target = Request;

    #[inline]
    fn deref(&self) -> &Request {
        &self.request
    }
}

impl DerefMut for Queued {
    #[inline]
    fn deref_mut(&mut self) -> &mut Request {
        &mut self.request
    }
}

impl Drop for Queued {
    #[inline(always)]
    fn drop(&mut self) {
        build_error!("a request was neither ended nor kept");
    }
}
