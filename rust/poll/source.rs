// SPDX-License-Identifier: GPL-2.0

//! An event, and who polls it.

use super::{
    head::Head,
    mask::Mask,
    pollers::Pollers, //
};
use crate::{
    event::{
        Any,
        Claim,
        Event,
        Policy, //
    },
    level::{
        Level,
        Unordered, //
    }, //
};
use core::{
    cell::{
        Cell,
        OnceCell, //
    },
    ops::{
        Deref,
        DerefMut, //
    },
    pin::Pin,
};
use kernel::{
    prelude::*,
    sync::{
        Arc,
        LockClassKey, //
    }, //
};

/// Creates a [`Source`] initialiser with the given data and lock classes of its own.
///
/// `new_source!(data, "name", with pollers)` has its [`Pollers`] in common with other sources.
#[macro_export]
macro_rules! new_source {
    ($data:expr $(, $name:literal)?, with $pollers:expr $(,)?) => {
        $crate::poll::Source::with_pollers(
            $data,
            ::kernel::optional_name!($($name)?),
            ::kernel::static_lock_class!(),
            $pollers,
        )
    };
    ($data:expr $(, $name:literal)? $(,)?) => {
        $crate::poll::Source::new(
            $data,
            ::kernel::optional_name!($($name)?),
            ::kernel::static_lock_class!(),
            ::kernel::static_lock_class!(),
        )
    };
}
pub use new_source;

/// An event that can be polled.
///
/// It lives inside the data of a lock, and is waited for, as an [`Event`]: it is one, by `Deref`, but for
/// what changes it. [`Source::update`], [`Source::try_claim`], [`Source::end_waits`] and [`Source::close`] are
/// its own, and the event cannot be had as one to be changed.
///
/// Dropping it ends the waits with [`Closed`](crate::Closed), and wakes who polls; they see what the file then
/// says. `mem::forget` of a box with the lock leaks memory; whoever waits or polls then sleeps until somebody
/// updates it. Its closures get the data only, so it cannot be waited for or polled from within itself.
///
/// # Invariants
///
/// Whoever was registered with the head, and has looked at the data, before the lock was taken has been woken under
/// that lock, before the data changed or the event was closed.
///
/// # Examples
///
/// ```
/// use baton::event::{when, Claim, Interruptible};
/// use baton::poll::{new_source, Source, Watched};
/// use baton::{LockIn, MaySleep};
/// use kernel::prelude::*;
/// use kernel::sync::{new_mutex, Mutex};
///
/// #[pin_data]
/// struct Space {
///     #[pin]
///     free: Source<usize>,
/// }
///
/// fn one() -> impl Claim<Watched<usize>, Output = ()> {
///     when(
///         |free: &Watched<usize>| **free > 0,
///         |free: &mut Watched<usize>| **free -= 1,
///     )
/// }
///
/// fn take(space: &Mutex<Space>, cx: &mut MaySleep, block: bool) -> Result {
///     let mut held = space.lock_in(cx);
///     if !block {
///         return held.as_mut().project().free.try_claim(one()).map_err(|_| EAGAIN);
///     }
///     held.on(|s| &s.free).claim(one()).wait(Interruptible)?;
///     Ok(())
/// }
///
/// let cx = &mut MaySleep::assert();
/// let space: Pin<KBox<Mutex<Space>>> =
///     KBox::pin_init(new_mutex!(pin_init!(Space { free <- new_source!(1) })), GFP_KERNEL)?;
/// take(&space, cx, true)?;
/// assert_eq!(take(&space, cx, false), Err(EAGAIN));
/// space.lock_in(cx).as_mut().project().free.update(|free| *free += 1);
/// assert_eq!(***space.lock_in(cx).free, 1);
/// # Ok::<(), Error>(())
/// ```
#[doc(alias("poll_wait", "wake_up_poll"))]
#[pin_data(PinnedDrop)]
pub struct Source<W, P: Policy = Any, E: Level = Unordered> {
    #[pin]
    event: Event<Watched<W>, P, E>,
}

/// The data of a [`Source`], as claims see it.
///
/// Whoever looks at it does just that. Borrowing it mutably wakes those who poll, each time: a taking that
/// changes several fields borrows it once, `let data = &mut **watched;`.
///
/// Dropping it drops the data. Nobody can make one, or have one to forget: `mem::forget` of it is that of its
/// source. Nobody is in it but under the lock of its source, so it is not used from itself.
pub struct Watched<W> {
    data: W,
    pollers: Whose,
    /// Nobody waits for what nobody has looked at.
    is_watched: Cell<bool>,
}

/// Whom to wake; no head as long as nobody has polled.
enum Whose {
    Own {
        head: OnceCell<Arc<Head>>,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
    },
    Shared(Arc<Pollers>),
}

impl Whose {
    #[inline]
    fn head(&self) -> Option<&Arc<Head>> {
        match self {
            Self::Own { head, .. } => head.get(),
            Self::Shared(pollers) => pollers.head(),
        }
    }
}

impl<W> Watched<W> {
    /// Wakes who polls.
    #[inline]
    fn wake(&self) {
        if self.is_watched.get() {
            self.wake_pollers();
        }
    }

    // Not part of a change that nobody polls for.
    #[inline(never)]
    fn wake_pollers(&self) {
        if let Some(head) = self.pollers.head() {
            head.notify_all(); // B, pairs with A
        }
    }
}

impl<W> Deref for Watched<W> {
    type Target = W;

    #[inline]
    fn deref(&self) -> &W {
        &self.data
    }
}

impl<W> DerefMut for Watched<W> {
    #[inline]
    fn deref_mut(&mut self) -> &mut W {
        self.wake();
        &mut self.data
    }
}

impl<W, P: Policy, E: Level> Source<W, P, E> {
    /// Constructs a source initialiser; [`new_source!`] is the usual way.
    ///
    /// `key` is the class of the event, `head_key` that of what pollers sleep on.
    ///
    /// Context: any.
    pub fn new(
        data: W,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
        head_key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        let pollers = Whose::Own {
            head: OnceCell::new(),
            name,
            key: head_key,
        };
        Self::new_of(data, name, key, pollers)
    }

    /// Constructs an initialiser of a source that has its [`Pollers`] in common with others;
    /// `new_source!(data, with pollers)` is the usual way.
    ///
    /// Context: any.
    pub fn with_pollers(
        data: W,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
        pollers: Arc<Pollers>,
    ) -> impl PinInit<Self> {
        Self::new_of(data, name, key, Whose::Shared(pollers))
    }

    fn new_of(
        data: W,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
        pollers: Whose,
    ) -> impl PinInit<Self> {
        // INVARIANT: Whoever is registered was so by another source, and has not looked at this one.
        let watched = Watched {
            data,
            pollers,
            is_watched: Cell::new(false),
        };
        pin_init!(Self {
            event <- Event::new(watched, name, key),
        })
    }

    /// Changes the data, serves every waiter whose claim then succeeds, and wakes who polls.
    ///
    /// Context: any, as [`Event::update`]; the lock that the source lives in is held.
    #[doc(alias("wake_up_poll", "wake_up_interruptible"))]
    #[inline]
    #[track_caller]
    pub fn update<R>(self: Pin<&mut Self>, change: impl FnOnce(&mut W) -> R) -> R {
        self.project().event.update(|watched| change(watched))
    }

    /// As [`Source::update`], by a task that is about to sleep: see [`Event::update_sync`].
    ///
    /// Who polls is woken without the hint.
    ///
    /// Context: as [`Source::update`].
    #[doc(alias = "wake_up_interruptible_sync_poll")]
    #[inline]
    #[track_caller]
    pub fn update_sync<R>(self: Pin<&mut Self>, change: impl FnOnce(&mut W) -> R) -> R {
        self.project().event.update_sync(|watched| change(watched))
    }

    /// Claims for the caller, without waiting: see [`Event::try_claim`].
    ///
    /// Context: as [`Source::update`].
    ///
    /// # Errors
    ///
    /// The claim, if it fails.
    #[inline]
    pub fn try_claim<C: Claim<Watched<W>>>(self: Pin<&mut Self>, claim: C) -> Result<C::Output, C>
    where
        W: 'static,
    {
        self.project().event.try_claim(claim)
    }

    /// Ends every wait with [`Closed`](crate::Closed), and tells who polls to hang up.
    ///
    /// Context: as [`Source::update`].
    #[doc(alias("POLLHUP", "EPOLLHUP"))]
    pub fn close(self: Pin<&mut Self>) {
        let event = self.project().event;
        event.wake();
        event.close();
    }

    /// Ends every present wait, and wakes who polls: see [`Event::end_waits`].
    ///
    /// Who polls has no wait that could fail: it looks again, and sees what the data says. To have it see
    /// [`Mask::ERR`], say so in the data.
    ///
    /// Context: as [`Source::update`].
    pub fn end_waits(self: Pin<&mut Self>) {
        let event = self.project().event;
        event.wake();
        event.end_waits();
    }

    /// Notes that somebody looks: with the lock held, before the look.
    pub(super) fn note_watched(&self) {
        self.event.is_watched.set(true);
    }

    /// Returns whom to register with, if anybody ever was.
    pub(super) fn head(&self) -> Option<&Arc<Head>> {
        self.event.pollers.head()
    }

    /// Makes `head` the one to register with; it stays another one if there is one.
    pub(super) fn set_head(&self, head: Arc<Head>) {
        match &self.event.pollers {
            Whose::Own { head: own, .. } => drop(own.set(head)),
            Whose::Shared(pollers) => pollers.set_head(head),
        }
    }

    /// Returns what a head of this source is made with.
    pub(super) fn class(&self) -> (&'static CStr, Pin<&'static LockClassKey>) {
        match &self.event.pollers {
            Whose::Own { name, key, .. } => (*name, *key),
            Whose::Shared(pollers) => pollers.class(),
        }
    }

    /// Returns what is ready, by `ready`.
    pub(super) fn mask(&self, ready: impl FnOnce(&W) -> Mask) -> Mask {
        let mask = ready(&self.event.data);
        if self.event.is_closed() {
            mask | Mask::HUP
        } else {
            mask
        }
    }
}

impl<W, P: Policy, E: Level> Deref for Source<W, P, E> {
    type Target = Event<Watched<W>, P, E>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.event
    }
}

#[pinned_drop]
impl<W, P: Policy, E: Level> PinnedDrop for Source<W, P, E> {
    fn drop(self: Pin<&mut Self>) {
        self.event.wake();
    }
}
