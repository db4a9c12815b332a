// SPDX-License-Identifier: GPL-2.0

//! Waiting under a key, or for a threshold.
//!
//! ```text
//!   held.on_key(|s| &s.replies, id)                        under which key
//!       .when(|slot| slot.is_some(), |slot| slot.take())   until what holds of its slot
//!       .wait(Killable)?
//!
//!   held.on_threshold(|s| &s.written).at_least(number)     what has to be reached
//!       .wait(Killable)?
//! ```

use super::{
    claim::{
        until,
        when,
        Claim,
        Until,
        When, //
    },
    indexed::{
        IndexPlace,
        OneKey,
        OneThreshold, //
    },
    keyed::Indexed,
    monitor::Events,
    platform::Kernel,
    select::{
        is_inside,
        Before,
        Nothing, //
    },
    slots::{
        Key,
        Measure,
        Slots, //
    },
    KeyedEvent,
    ThresholdEvent,
    Wait, //
};
use crate::{
    held::Held,
    level::{
        After,
        Level, //
    },
    registry::{
        Object,
        Told, //
    },
};
use core::{
    marker::PhantomData,
    ptr, //
};
use kernel::sync::lock::Backend;

/// What was selected: where it is, and what a wait for it is about.
struct Found<S, D> {
    place: IndexPlace<S, D, Kernel>,
    told: Told,
    /// Whether that is this one, and not one before it.
    mine: bool,
}

impl<S, D> Found<S, D> {
    /// What was selected in the data of the lock that is held, if it lies there.
    #[inline]
    #[track_caller]
    fn inside<T>(data: &T, event: &Indexed<S, D>, part: u64, told: Told) -> Self {
        if !is_inside(ptr::from_ref(data), ptr::from_ref(event), event.label) {
            return Self {
                place: IndexPlace::nowhere(),
                told,
                mine: false,
            };
        }
        #[cfg(CONFIG_LOCKDEP)]
        event.map.wait();
        let mine = told.is_nothing();
        // CAST: Of a key that is wider, what fits.
        let object = Object {
            part: part as usize,
            ..event.object()
        };
        // SAFETY: As below.
        let this = unsafe { Told::new(object, &raw const event.label) };
        Self {
            // SAFETY: It lies inside the data of the lock, and is pinned there: it is replaced in its place only
            // under the lock, by who drops the old one.
            place: unsafe { IndexPlace::new(&raw const event.index, event.data.get()) },
            told: told.or(this),
            mine,
        }
    }
}

/// A wait that has been told under which key it is, and not yet what has to hold.
///
/// Dropping it releases the lock; nobody has waited. `mem::forget` leaves the lock held, as with [`Held`].
/// The lock cannot be used in the closures of the wait itself: what they capture is `'static`.
#[must_use = "nothing is waited for before `until` or `when`, and `wait`"]
pub struct OnKey<'e, H, N, D: Slots> {
    held: H,
    before: N,
    found: Found<D::Slot, D>,
    key: D::Key,
    _borrow: PhantomData<&'e ()>,
}

/// A wait that has been told which event it is for, and not yet the threshold.
///
/// Dropping it releases the lock; nobody has waited. `mem::forget` leaves the lock held, as with [`Held`].
/// The lock cannot be used in the closures of the wait itself: what they capture is `'static`.
#[must_use = "nothing is waited for before `at_least` or `take_at_least`, and `wait`"]
pub struct OnThreshold<'e, H, N, W: Measure> {
    held: H,
    before: N,
    found: Found<W, W>,
    _borrow: PhantomData<&'e ()>,
}

impl<'a, 'c, T, B: Backend, C: Level, L: Level> Held<'a, 'c, T, B, C, L> {
    /// Begins a wait under a key of an event of the protected data, which `select` returns.
    ///
    /// As [`Held::on`], for a [`KeyedEvent`].
    ///
    /// Context: that of the guard; nothing is waited for yet. `select` runs under the lock.
    #[doc(alias("wait_on_bit", "wait_var_event"))]
    #[inline]
    #[track_caller]
    pub fn on_key<D: Slots, E: After<C>>(
        self,
        select: impl for<'x> FnOnce(&'x T) -> &'x KeyedEvent<D, E>,
        key: D::Key,
    ) -> OnKey<'static, Self, Nothing, D> {
        let found = Found::inside(&*self, &select(&*self).inner, key.number(), Told::NOTHING);
        OnKey {
            held: self,
            before: Nothing(()),
            found,
            key,
            _borrow: PhantomData,
        }
    }

    /// Begins a wait for a threshold of an event of the protected data, which `select` returns.
    ///
    /// As [`Held::on`], for a [`ThresholdEvent`].
    ///
    /// Context: that of the guard; nothing is waited for yet. `select` runs under the lock.
    #[inline]
    #[track_caller]
    pub fn on_threshold<W: Measure, E: After<C>>(
        self,
        select: impl for<'x> FnOnce(&'x T) -> &'x ThresholdEvent<W, E>,
    ) -> OnThreshold<'static, Self, Nothing, W> {
        let found = Found::inside(&*self, &select(&*self).inner, 0, Told::NOTHING);
        OnThreshold {
            held: self,
            before: Nothing(()),
            found,
            _borrow: PhantomData,
        }
    }
}

impl<'e, 'a, 'c, T, B, C, L, N> Wait<'e, Held<'a, 'c, T, B, C, L>, N>
where
    B: Backend,
    C: Level,
    L: Level,
    N: Events<Kernel> + Before,
{
    /// As [`Wait::or`], under a key: see [`Held::on_key`].
    ///
    /// Context: that of the guard; nothing is waited for yet.
    #[inline]
    #[track_caller]
    pub fn or_key<D: Slots, E: After<C>>(
        self,
        select: impl for<'x> FnOnce(&'x T) -> &'x KeyedEvent<D, E>,
        key: D::Key,
    ) -> OnKey<'e, Held<'a, 'c, T, B, C, L>, N, D> {
        let event = &select(&*self.held).inner;
        let found = Found::inside(&*self.held, event, key.number(), self.told);
        OnKey {
            held: self.held,
            before: self.events,
            found,
            key,
            _borrow: PhantomData,
        }
    }

    /// As [`Wait::or`], for a threshold: see [`Held::on_threshold`].
    ///
    /// Context: that of the guard; nothing is waited for yet.
    #[inline]
    #[track_caller]
    pub fn or_threshold<W: Measure, E: After<C>>(
        self,
        select: impl for<'x> FnOnce(&'x T) -> &'x ThresholdEvent<W, E>,
    ) -> OnThreshold<'e, Held<'a, 'c, T, B, C, L>, N, W> {
        let event = &select(&*self.held).inner;
        let found = Found::inside(&*self.held, event, 0, self.told);
        OnThreshold {
            held: self.held,
            before: self.events,
            found,
            _borrow: PhantomData,
        }
    }
}

impl<'e, H, N: Before, D: Slots> OnKey<'e, H, N, D> {
    /// Waits until `condition` holds of the slot: see [`On::until`](super::On::until).
    ///
    /// Context: that of the guard; nothing is waited for yet.
    #[inline]
    #[allow(clippy::type_complexity, reason = "the type is the sentence so far")]
    pub fn until<F>(self, condition: F) -> Wait<'e, H, N::And<OneKey<D, Until<F>, Kernel>>>
    where
        F: Fn(&D::Slot) -> bool + Send + 'static,
    {
        self.claim(until(condition))
    }

    /// Waits until `condition` holds of the slot, and does `taking` with it the moment that it does: see
    /// [`On::when`](super::On::when).
    ///
    /// Context: that of the guard; nothing is waited for yet.
    #[doc(alias = "wait_on_bit_lock")]
    #[inline]
    #[allow(clippy::type_complexity, reason = "the type is the sentence so far")]
    pub fn when<R, F, G>(
        self,
        condition: F,
        taking: G,
    ) -> Wait<'e, H, N::And<OneKey<D, When<F, G>, Kernel>>>
    where
        R: Send + 'static,
        F: Fn(&D::Slot) -> bool + Send + 'static,
        G: FnMut(&mut D::Slot) -> R + Send + 'static,
    {
        self.claim(when(condition, taking))
    }

    /// Waits until a claim on the slot succeeds.
    ///
    /// Context: that of the guard; nothing is waited for yet.
    #[inline]
    pub fn claim<K: Claim<D::Slot>>(self, claim: K) -> Wait<'e, H, N::And<OneKey<D, K, Kernel>>> {
        let Found { place, told, .. } = self.found;
        Wait {
            held: self.held,
            told,
            events: self.before.and(OneKey::new(place, self.key, claim)),
            _borrow: PhantomData,
        }
    }
}

/// The condition of who waits for a threshold: that is all there is to it.
type Always<W> = fn(&W) -> bool;

fn always<W>(_: &W) -> bool {
    true
}

impl<'e, H, N: Before, W: Measure + Send + 'static> OnThreshold<'e, H, N, W> {
    /// Waits until the measure of the data is `threshold` or more.
    ///
    /// Context: that of the guard; nothing is waited for yet.
    #[inline]
    #[allow(clippy::type_complexity, reason = "the type is the sentence so far")]
    pub fn at_least(
        self,
        threshold: u64,
    ) -> Wait<'e, H, N::And<OneThreshold<W, Until<Always<W>>, Kernel>>> {
        self.claim(threshold, until(always as Always<W>))
    }

    /// Waits until the measure of the data is `threshold` or more, and does `taking` the moment that it is: see
    /// [`On::when`](super::On::when).
    ///
    /// Context: that of the guard; nothing is waited for yet.
    #[inline]
    #[allow(clippy::type_complexity, reason = "the type is the sentence so far")]
    pub fn take_at_least<R, G>(
        self,
        threshold: u64,
        taking: G,
    ) -> Wait<'e, H, N::And<OneThreshold<W, When<Always<W>, G>, Kernel>>>
    where
        R: Send + 'static,
        G: FnMut(&mut W) -> R + Send + 'static,
    {
        self.claim(threshold, when(always as Always<W>, taking))
    }

    #[inline]
    fn claim<K: Claim<W>>(
        self,
        threshold: u64,
        claim: K,
    ) -> Wait<'e, H, N::And<OneThreshold<W, K, Kernel>>> {
        let Found {
            place,
            mut told,
            mine,
        } = self.found;
        if mine {
            // CAST: Of a threshold that is wider, what fits.
            told.object.part = threshold as usize;
        }
        Wait {
            held: self.held,
            told,
            events: self.before.and(OneThreshold::new(place, threshold, claim)),
            _borrow: PhantomData,
        }
    }
}
