// SPDX-License-Identifier: GPL-2.0

//! Threads that are made with more than a name.
//!
//! C header: [`include/linux/freezer.h`](srctree/include/linux/freezer.h)

use kernel::str::CStr;

/// What a thread, or an [agent](crate::Agent), is made with.
///
/// Dropping it, or `mem::forget`, does nothing: there is no thread yet. Nothing can be done from itself, either.
///
/// # Examples
///
/// ```
/// use baton::event::{Idle, Mode};
/// use baton::thread::Builder;
/// use baton::{new_event, Event, LockIn, MaySleep, Thread};
/// use kernel::prelude::*;
/// use kernel::sync::{new_mutex, Arc, Mutex};
///
/// #[pin_data]
/// struct Work {
///     #[pin]
///     jobs: Event<u32>,
/// }
///
/// /// A daemon that does not work while the system goes to sleep.
/// fn start(work: Arc<Mutex<Work>>, cx: &mut MaySleep) -> Result<Thread> {
///     Builder::new(c"baton_example").freezable().spawn(cx, move |cx, stop| {
///         while !stop.requested_or_freeze(cx) {
///             let jobs = work.lock_in(cx).on(|w| &w.jobs);
///             // A stop ends the wait with an error, and is seen above.
///             let _ = jobs.when(|jobs| *jobs > 0, |jobs| *jobs -= 1).wait(Idle.freezable());
///         }
///     })
/// }
///
/// let cx = &mut MaySleep::assert();
/// let work = Arc::pin_init(new_mutex!(pin_init!(Work { jobs <- new_event!(1) })), GFP_KERNEL)?;
/// start(work, cx)?.stop(cx)?;
/// # Ok::<(), Error>(())
/// ```
#[doc(alias("kthread_create", "set_freezable"))]
#[must_use = "there is no thread before `spawn`"]
pub struct Builder<'n> {
    pub(super) name: &'n CStr,
    pub(super) freezable: bool,
}

impl<'n> Builder<'n> {
    /// Begins with the name, and nothing else: a thread as [`Thread::spawn`](super::Thread::spawn) makes it.
    ///
    /// Context: any.
    pub const fn new(name: &'n CStr) -> Self {
        Self {
            name,
            freezable: false,
        }
    }

    /// Lets the freezer stop the thread before the system sleeps.
    ///
    /// The freezer waits for that: the thread has to come to a wait that is
    /// [freezable](crate::event::Mode::freezable), or to
    /// [`requested_or_freeze`](super::Stop::requested_or_freeze), within 20 seconds. A stop that comes while it is
    /// frozen ends its waits when it is thawed.
    ///
    /// Context: any.
    #[doc(alias = "set_freezable")]
    pub const fn freezable(self) -> Self {
        Self {
            name: self.name,
            freezable: true,
        }
    }
}
