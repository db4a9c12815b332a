// SPDX-License-Identifier: GPL-2.0

//! Values that a claim gives away, and that come back if it does not come to that.
//!
//! A taking cannot move what it has captured, because that is dropped by the task that waits, and not
//! by whoever runs the taking under the lock. So the value is not captured, but stays with the wait: the taking is
//! handed an [`Item`], and moves the value out of that.
//!
//! This file has no kernel paths. The module compiles it as it stands, and `testing/model/` includes
//! the same file by `#[path]`.

use super::claim::{
    private::Sealed,
    Claim, //
};
use core::fmt;

/// Gives something away the moment that a condition holds: see [`give`].
///
/// Dropping it drops the value, unless that was given away, and what both closures have captured;
/// `mem::forget` leaks that.
///
/// # Invariants
///
/// `item` is there unless [`Claim::take`] was called.
pub struct Give<A, C, T> {
    condition: C,
    taking: T,
    item: Option<A>,
}

/// A value to be given away, and where: nowhere yet, or to the event of a wait.
///
/// Dropping it drops the value, with no lock held; `mem::forget` leaks it, and leaves the lock of a wait
/// held, as with [`Held`](crate::Held). Nothing is waited for yet.
#[must_use = "nothing is given away before `when`, and `wait`"]
pub struct Giving<A, O = ()> {
    // First, so that the lock is released before the value is dropped.
    pub(super) on: O,
    pub(super) item: A,
}

/// Gives `item` away as soon as there is a place for it; [`Giving::when`] says when and how.
///
/// In a wait that is written as one sentence this is [`On::give`](super::On::give), which also returns the
/// value when the wait fails. As a claim of its own it is for [`Event::try_claim`](super::Event::try_claim), which returns the
/// claim, and [`On::claim`](super::On::claim), where the value is dropped with the claim, by the task that waited,
/// with no lock held.
///
/// Context: any; nothing is waited for yet.
///
/// # Examples
///
/// ```
/// use baton::event::give;
/// use baton::{new_event, Event, LockIn, MaySleep};
/// use kernel::prelude::*;
/// use kernel::sync::{new_mutex, Mutex};
///
/// #[pin_data]
/// struct Hatch {
///     #[pin]
///     place: Event<Option<KBox<u32>>>,
/// }
///
/// fn try_put(hatch: &Mutex<Hatch>, cx: &mut MaySleep, item: KBox<u32>) -> Result<(), KBox<u32>> {
///     let put = give(item).when(
///         |place: &Option<_>| place.is_none(),
///         |place: &mut Option<_>, item| *place = Some(item.take()),
///     );
///     let tried = hatch.lock_in(cx).as_mut().project().place.try_claim(put);
///     tried.map_err(|put| put.into_item())
/// }
///
/// let cx = &mut MaySleep::assert();
/// let hatch: Pin<KBox<Mutex<Hatch>>> =
///     KBox::pin_init(new_mutex!(pin_init!(Hatch { place <- new_event!(None) })), GFP_KERNEL)?;
/// assert!(try_put(&hatch, cx, KBox::new(1, GFP_KERNEL)?).is_ok());
/// assert_eq!(try_put(&hatch, cx, KBox::new(2, GFP_KERNEL)?).map_err(|item| *item), Err(2));
/// # Ok::<(), Error>(())
/// ```
#[inline]
pub fn give<A: Send + 'static>(item: A) -> Giving<A> {
    Giving { on: (), item }
}

impl<A: Send + 'static> Giving<A> {
    /// Gives the value away as soon as `condition` holds: `taking` puts it where it belongs.
    ///
    /// Context: any; nothing is waited for yet.
    #[inline]
    pub fn when<W, R, C, T>(self, condition: C, taking: T) -> Give<A, C, T>
    where
        C: Fn(&W) -> bool + Send + 'static,
        T: FnMut(&mut W, Item<'_, A>) -> R + Send + 'static,
    {
        // INVARIANT: It is there.
        Give {
            condition,
            taking,
            item: Some(self.item),
        }
    }
}

impl<A, C, T> Give<A, C, T> {
    /// Returns the value, which was not given away.
    ///
    /// Context: any.
    #[inline]
    pub fn into_item(self) -> A {
        // SAFETY: By the type invariants, and whoever calls `Claim::take()` does not give the claim away.
        unsafe { self.item.unwrap_unchecked() }
    }
}

/// The value of a [`Give`], for its taking.
///
/// Dropping it, or `mem::forget`, leaves the value where it is: the task that waits drops it, with no lock
/// held. Nobody can wait for it, since it exists in a taking only.
///
/// # Invariants
///
/// `place` is not empty.
#[must_use = "the value is not given away before `take`"]
pub struct Item<'a, A> {
    place: &'a mut Option<A>,
}

impl<A> Item<'_, A> {
    /// Returns the value.
    ///
    /// What is done with it is done under the lock: it is put somewhere, or is part of what the taking
    /// returns, and so of what the wait returns.
    ///
    /// Context: that of a taking.
    #[inline]
    pub fn take(self) -> A {
        // SAFETY: By the type invariants.
        unsafe { self.place.take().unwrap_unchecked() }
    }
}

impl<A, C, T> Sealed for Give<A, C, T> {}

impl<W, A, R, C, T> Claim<W> for Give<A, C, T>
where
    A: Send + 'static,
    R: Send + 'static,
    C: Fn(&W) -> bool + Send + 'static,
    T: FnMut(&mut W, Item<'_, A>) -> R + Send + 'static,
{
    type Output = R;

    #[inline]
    fn holds(&self, data: &W) -> bool {
        (self.condition)(data)
    }

    #[inline]
    unsafe fn take(&mut self, data: &mut W) -> R {
        // INVARIANT: It is there, since this is called once.
        let item = Item {
            place: &mut self.item,
        };
        (self.taking)(data, item)
    }
}

/// Why a wait has failed, and what it was to give away.
///
/// Dropping it drops the value; `mem::forget` leaks that. There is nothing to wait for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct GiveError<A, E> {
    /// What was not given away. If the wait was to give several values away, a pair of them.
    pub item: A,
    /// Why.
    pub error: E,
}

impl<A, E: fmt::Debug> fmt::Debug for GiveError<A, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

/// What comes back of a wait that has failed: nothing, or what it was to give away. Sealed.
#[doc(hidden)]
pub trait Gifts: Sealed {
    /// An error, with these: the error itself if they are nothing.
    type Error<E>;
    /// These, and those of `G`.
    type And<G: Gifts>: Gifts;
    /// `Z`, and these.
    type Behind<Z>: Gifts;

    fn error<E>(self, error: E) -> Self::Error<E>;
    fn and<G: Gifts>(self, next: G) -> Self::And<G>;
    fn behind<Z>(self, first: Z) -> Self::Behind<Z>;
}

/// Nothing comes back.
#[doc(hidden)]
pub struct NoGift;

/// This comes back.
#[doc(hidden)]
pub struct Back<A>(pub(crate) A);

impl Sealed for NoGift {}
impl<A> Sealed for Back<A> {}

impl Gifts for NoGift {
    type Error<E> = E;
    type And<G: Gifts> = G;
    type Behind<Z> = Back<Z>;

    #[inline]
    fn error<E>(self, error: E) -> E {
        error
    }

    #[inline]
    fn and<G: Gifts>(self, next: G) -> G {
        next
    }

    #[inline]
    fn behind<Z>(self, first: Z) -> Back<Z> {
        Back(first)
    }
}

impl<A> Gifts for Back<A> {
    type Error<E> = GiveError<A, E>;
    type And<G: Gifts> = G::Behind<A>;
    type Behind<Z> = Back<(Z, A)>;

    #[inline]
    fn error<E>(self, error: E) -> GiveError<A, E> {
        GiveError {
            item: self.0,
            error,
        }
    }

    #[inline]
    fn and<G: Gifts>(self, next: G) -> G::Behind<A> {
        next.behind(self.0)
    }

    #[inline]
    fn behind<Z>(self, first: Z) -> Back<(Z, A)> {
        Back((first, self.0))
    }
}
