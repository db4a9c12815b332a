// SPDX-License-Identifier: GPL-2.0

//! What pollers sleep on, where several sources have it in common.

use super::head::Head;
use core::pin::Pin;
use kernel::{
    prelude::*,
    sync::{
        Arc,
        LockClassKey,
        SetOnce, //
    }, //
};

/// Creates [`Pollers`] with the given name and a lock class of their own.
#[macro_export]
macro_rules! new_pollers {
    ($($name:literal)? $(,)?) => {
        $crate::poll::Pollers::new(
            ::kernel::optional_name!($($name)?),
            ::kernel::static_lock_class!(),
        )
    };
}
pub use new_pollers;

/// What pollers sleep on, for several [`Source`](super::Source)s of one file.
///
/// A source has such a thing of its own. That is not enough for a file whose sources belong to tasks or come and
/// go, for `epoll` registers once, and with what it was shown then: here it is woken by a change of any of them
/// that anybody has [looked at](super::Table::watch), those that were made later among them. The sources may be
/// under different locks.
///
/// Who polls such a file is registered by the first look, and woken more often than it needs to be: by the other
/// sources.
///
/// Dropping it wakes nobody, as its sources keep it, and files that were polled on it. `mem::forget` of a
/// reference to it leaks memory. It has no function that could be used from within itself.
///
/// # Examples
///
/// ```
/// use baton::poll::{new_pollers, new_source, Mask, Source};
/// use baton::{LockIn, MaySleep};
/// use kernel::prelude::*;
/// use kernel::sync::{new_mutex, new_spinlock, Arc, Mutex, SpinLock};
///
/// let cx = &mut MaySleep::assert();
/// let pollers = Arc::new(new_pollers!("example"), GFP_KERNEL)?;
/// let replies: Arc<SpinLock<Source<u32>>> =
///     Arc::pin_init(new_spinlock!(new_source!(0, with pollers.clone())), GFP_KERNEL)?;
/// let requests: Arc<Mutex<Source<u32>>> =
///     Arc::pin_init(new_mutex!(new_source!(0, with pollers)), GFP_KERNEL)?;
///
/// let mut poller = baton::testing::Poller::new(cx)?;
/// let mask = poller.ask(cx, |cx, table| {
///     table.watch(cx, &replies, |s| s, |n| Mask::when(*n > 0, Mask::IN))
///         | table.watch(cx, &requests, |s| s, |n| Mask::when(*n > 0, Mask::IN))
/// });
/// assert_eq!(mask, Mask::NONE);
/// requests.lock_in(cx).as_mut().update(|n| *n += 1);
/// assert_eq!(poller.woken(), 1);
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "wait_queue_head")]
pub struct Pollers {
    /// None as long as nobody has polled.
    head: SetOnce<Arc<Head>>,
    name: &'static CStr,
    key: Pin<&'static LockClassKey>,
}

impl Pollers {
    /// Constructs them; [`new_pollers!`] is the usual way.
    ///
    /// Context: any.
    pub const fn new(name: &'static CStr, key: Pin<&'static LockClassKey>) -> Self {
        Self {
            head: SetOnce::new(),
            name,
            key,
        }
    }

    #[inline]
    pub(super) fn head(&self) -> Option<&Arc<Head>> {
        self.head.as_ref() // D, pairs with C
    }

    /// Makes `head` the one to register with; it stays another one if there is one.
    pub(super) fn set_head(&self, head: Arc<Head>) {
        self.head.populate(head); // C, pairs with D
    }

    pub(super) fn class(&self) -> (&'static CStr, Pin<&'static LockClassKey>) {
        (self.name, self.key)
    }
}
