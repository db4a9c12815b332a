// SPDX-License-Identifier: GPL-2.0

//! The beginning of a wait: which event, and what has to hold.

use super::{
    claim::{
        until,
        when,
        Claim,
        Until,
        When, //
    },
    gift::{
        give,
        Give,
        Giving,
        Item, //
    },
    platform::Kernel,
    protocol::Waiter,
    returning::Returning,
    select::{
        Before,
        Nothing,
        Selected,
        Selection, //
    },
    Event,
    Policy,
    Tied,
    WrongLock, //
};
use crate::{
    held::Held,
    level::{
        After,
        Level, //
    },
    registry::Told,
};
use core::{
    marker::PhantomData,
    pin::Pin,
    ptr, //
};
use kernel::{
    prelude::*,
    sync::lock::Backend, //
};

/// A wait that has been told which event it is for, and not yet what has to hold.
///
/// Dropping it releases the lock; nobody has waited. `mem::forget` leaves the lock held, as with [`Held`].
/// The lock cannot be used in the closures of the wait itself: what they capture is `'static`.
#[must_use = "nothing is waited for before `until` or `when`, and `wait`"]
pub struct On<'e, H, N, S> {
    held: H,
    before: N,
    told: Told,
    selection: S,
    _borrow: PhantomData<&'e ()>,
}

/// A wait that has been told what it is for: see [`Wait::wait`].
///
/// Dropping it releases the lock; nobody has waited. `mem::forget` leaves the lock held, as with [`Held`].
/// The claims cannot wait themselves: they get the data, and no capability.
#[must_use = "nothing is waited for before `wait`"]
pub struct Wait<'e, H, N> {
    pub(crate) held: H,
    pub(crate) told: Told,
    pub(crate) events: N,
    pub(crate) _borrow: PhantomData<&'e ()>,
}

impl<'e, H, N> Wait<'e, H, N> {
    #[inline]
    pub(super) fn new(held: H, told: Told, events: N) -> Self {
        Self {
            held,
            told,
            events,
            _borrow: PhantomData,
        }
    }
}

impl<'a, 'c, T, B: Backend, C: Level, L: Level> Held<'a, 'c, T, B, C, L> {
    /// Begins a wait for an event of the protected data, which `select` returns.
    ///
    /// It is called once, now. The event has to lie inside the data, in a field or an array; a wait for one
    /// that is behind a pointer warns and returns [`Closed`](super::Closed), see [`Tied`] for these.
    ///
    /// It is a closure that is written here, a function, or a closure that was bound by way of
    /// [`select`](super::select()): `let open = select(|gate: &Gate| &gate.open);`.
    ///
    /// What else the task holds stands above the event in the order of the module's
    /// [levels](crate::level): `E: After<C>`.
    ///
    /// Context: that of the guard; nothing is waited for yet. `select` runs under the lock.
    #[inline]
    pub fn on<W, P, E>(
        self,
        select: impl for<'x> FnOnce(&'x T) -> &'x Event<W, P, E>,
    ) -> On<'static, Self, Nothing, Selected<'static, W, P, E>>
    where
        W: Send + 'static,
        P: Policy,
        E: After<C>,
    {
        let selected = Selected::inside(&*self, select);
        On::new(self, Nothing(()), Told::NOTHING, selected)
    }

    /// As [`Held::on`], for an event that may not be there: the wait for none returns [`Closed`](super::Closed).
    ///
    /// In a table, for example, that is looked at under the lock: `held.on_found(|t| t.slots.get(index))`.
    ///
    /// Context: that of the guard; nothing is waited for yet. `find` runs under the lock.
    ///
    /// # Examples
    ///
    /// ```
    /// use baton::event::Killable;
    /// use baton::{new_event, Closed, Event, LockIn, MaySleep, WaitError};
    /// use kernel::prelude::*;
    /// use kernel::sync::{new_mutex, Mutex};
    ///
    /// #[pin_data]
    /// struct Ports {
    ///     #[pin]
    ///     input: Event<bool>,
    ///     #[pin]
    ///     output: Event<bool>,
    /// }
    ///
    /// impl Ports {
    ///     fn find(&self, number: usize) -> Option<&Event<bool>> {
    ///         [&self.input, &self.output].get(number).copied()
    ///     }
    /// }
    ///
    /// /// Returns with the lock held again, whatever came of the wait.
    /// fn ready(ports: &Mutex<Ports>, cx: &mut MaySleep, number: usize) -> Result<(), WaitError> {
    ///     let on = ports.lock_in(cx).on_found(move |ports| ports.find(number));
    ///     let (held, result) = on.until(|ready| *ready).wait_relock(Killable);
    ///     pr_debug!("{} wait still\n", held.input.waiters() + held.output.waiters());
    ///     result
    /// }
    ///
    /// let cx = &mut MaySleep::assert();
    /// let ports: Pin<KBox<Mutex<Ports>>> = KBox::pin_init(
    ///     new_mutex!(pin_init!(Ports { input <- new_event!(false), output <- new_event!(true) })),
    ///     GFP_KERNEL,
    /// )?;
    /// assert_eq!(ready(&ports, cx, 1), Ok(()));
    /// assert_eq!(ready(&ports, cx, 2), Err(WaitError::Closed));
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn on_found<W, P, E>(
        self,
        find: impl for<'x> FnOnce(&'x T) -> Option<&'x Event<W, P, E>>,
    ) -> On<'static, Self, Nothing, Selected<'static, W, P, E>>
    where
        W: Send + 'static,
        P: Policy,
        E: After<C>,
    {
        let data = ptr::from_ref(&*self);
        let selected = match find(&self) {
            Some(event) => Selected::at(data, event, event.label),
            None => Selected::nowhere(),
        };
        On::new(self, Nothing(()), Told::NOTHING, selected)
    }

    /// As [`Held::on`], for what finds the event by a reference that could change it.
    ///
    /// `find` runs now, and not again.
    #[inline]
    pub(crate) fn on_mut<W, P, E>(
        mut self,
        find: impl FnOnce(Pin<&mut T>) -> Pin<&mut Event<W, P, E>>,
    ) -> On<'static, Self, Nothing, Selected<'static, W, P, E>>
    where
        W: Send + 'static,
        P: Policy,
        E: After<C>,
    {
        let event = find(self.locked.guard.as_mut());
        let (event, label) = (ptr::from_ref(&*event), event.label);
        let selected = Selected::at(ptr::from_ref(&*self), event, label);
        On::new(self, Nothing(()), Told::NOTHING, selected)
    }

    /// Begins a wait for an event in an object of its own.
    ///
    /// Context: that of the guard; nothing is waited for yet.
    ///
    /// # Errors
    ///
    /// [`WrongLock`] if the event is tied to another lock; the lock is released then.
    #[inline]
    #[allow(clippy::type_complexity, reason = "the type is the sentence so far")]
    pub fn on_tied<'e, W, P, E>(
        self,
        tied: &'e Tied<W, P, E>,
    ) -> Result<On<'e, Self, Nothing, Selected<'e, W, P, E>>, WrongLock>
    where
        W: Send + 'static,
        P: Policy,
        E: After<C>,
    {
        let selected = tied.selected(self.locked.guard.lock_ref())?;
        Ok(On::new(self, Nothing(()), Told::NOTHING, selected))
    }
}

impl<'e, H, N, S: Selection> On<'e, H, N, S> {
    #[inline]
    #[track_caller]
    pub(crate) fn new(held: H, before: N, told: Told, selection: S) -> Self {
        let told = selection.announce(told);
        Self {
            held,
            before,
            told,
            selection,
            _borrow: PhantomData,
        }
    }
}

impl<'e, H, N, S> On<'e, H, N, S>
where
    N: Before,
    S: Selection,
{
    /// Waits until `condition` holds.
    ///
    /// It is evaluated at once, and, while the task sleeps, by whoever changes the event, under the lock:
    /// see [`Claim`].
    ///
    /// Context: that of the guard; nothing is waited for yet.
    #[inline]
    #[allow(clippy::type_complexity, reason = "the type is the sentence so far")]
    pub fn until<F>(self, condition: F) -> Wait<'e, H, N::And<S::Events<Until<F>>>>
    where
        F: Fn(&S::Data) -> bool + Send + 'static,
    {
        self.claim(until(condition))
    }

    /// Waits until `condition` holds, and does `taking` the moment that it does.
    ///
    /// What `taking` returns is the result of the wait. It runs under the lock, right after the condition
    /// was seen to hold, on behalf of the task that waits; the lock is not taken again.
    ///
    /// What it has captured is dropped by the task that waits, without the lock. So it may not move what it has
    /// captured: what it is to move is given to the wait, see [`On::give`].
    ///
    /// Context: that of the guard; nothing is waited for yet.
    #[inline]
    #[allow(clippy::type_complexity, reason = "the type is the sentence so far")]
    pub fn when<R, F, G>(
        self,
        condition: F,
        taking: G,
    ) -> Wait<'e, H, N::And<S::Events<When<F, G>>>>
    where
        R: Send + 'static,
        F: Fn(&S::Data) -> bool + Send + 'static,
        G: FnMut(&mut S::Data) -> R + Send + 'static,
    {
        self.claim(when(condition, taking))
    }

    /// Gives `item` away as soon as there is a place for it: [`Giving::when`] says when that is, and puts it there.
    ///
    /// If the wait fails, for whatever reason, its error is a [`GiveError`](super::GiveError) with the value. So nothing is
    /// lost to a signal or to the end of the time, and no destructor runs under the lock, nor in whoever serves the
    /// wait. Of several events each may be given something.
    ///
    /// Context: that of the guard; nothing is waited for yet.
    ///
    /// # Examples
    ///
    /// ```
    /// use baton::event::{GiveError, Interruptible, Mode};
    /// use baton::{new_event, Event, LockIn, MaySleep, WaitError};
    /// use kernel::prelude::*;
    /// use kernel::sync::{new_mutex, Mutex};
    ///
    /// #[pin_data]
    /// struct Hatch {
    ///     #[pin]
    ///     place: Event<Option<KBox<u32>>>,
    /// }
    ///
    /// fn put(
    ///     hatch: &Mutex<Hatch>,
    ///     cx: &mut MaySleep,
    ///     item: KBox<u32>,
    /// ) -> Result<(), GiveError<KBox<u32>, WaitError>> {
    ///     hatch
    ///         .lock_in(cx)
    ///         .on(|h| &h.place)
    ///         .give(item)
    ///         .when(|place| place.is_none(), |place, item| *place = Some(item.take()))
    ///         .wait(Interruptible.timeout(1))
    /// }
    ///
    /// let cx = &mut MaySleep::assert();
    /// let hatch: Pin<KBox<Mutex<Hatch>>> =
    ///     KBox::pin_init(new_mutex!(pin_init!(Hatch { place <- new_event!(None) })), GFP_KERNEL)?;
    /// put(&hatch, cx, KBox::new(1, GFP_KERNEL)?)?;
    /// let Err(refused) = put(&hatch, cx, KBox::new(2, GFP_KERNEL)?) else {
    ///     return Err(EINVAL);
    /// };
    /// assert_eq!((*refused.item, refused.error), (2, WaitError::TimedOut));
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn give<A: Send + 'static>(self, item: A) -> Giving<A, Self> {
        Giving { on: self, item }
    }

    /// Waits until a claim succeeds: see [`until`](super::until), [`when`](super::when) and [`give`](super::give()).
    ///
    /// Context: that of the guard; nothing is waited for yet.
    #[inline]
    pub fn claim<K: Claim<S::Data>>(self, claim: K) -> Wait<'e, H, N::And<S::Events<K>>> {
        self.wait_for::<K, _>(|selection| selection.with(claim))
    }

    /// Makes the wait for what `events` makes of the selection, with a claim `K`.
    #[inline]
    fn wait_for<K, E>(self, events: impl FnOnce(S) -> E) -> Wait<'e, H, N::And<E>>
    where
        K: Claim<S::Data>,
    {
        let Self {
            held,
            before,
            told,
            selection,
            ..
        } = self;
        let mut told = told;
        if S::FIFO {
            told.class = Waiter::<S::Data, K, Kernel>::class() as usize;
        }
        Wait::new(held, told, before.and(events(selection)))
    }
}

impl<'e, H, N, S, A> Giving<A, On<'e, H, N, S>>
where
    N: Before,
    S: Selection,
    A: Send + 'static,
{
    /// Waits until `condition` holds; `taking` puts the value where it belongs, the moment that it does.
    ///
    /// It moves the value out of the [`Item`], once, and returns the result of the wait. If it leaves the value where it is, the
    /// task that waits drops it, with no lock held. What does not fit after all is part of what it returns:
    /// `|list, item| list.push_within_capacity(item.take())`.
    ///
    /// Context: that of the guard; nothing is waited for yet.
    #[inline]
    #[allow(clippy::type_complexity, reason = "the type is the sentence so far")]
    pub fn when<R, F, G>(
        self,
        condition: F,
        taking: G,
    ) -> Wait<'e, H, N::And<Returning<S::Events<Give<A, F, G>>>>>
    where
        R: Send + 'static,
        F: Fn(&S::Data) -> bool + Send + 'static,
        G: FnMut(&mut S::Data, Item<'_, A>) -> R + Send + 'static,
    {
        let Self { on, item } = self;
        on.wait_for::<Give<A, F, G>, _>(|selection| {
            Returning(selection.with(give(item).when(condition, taking)))
        })
    }
}
