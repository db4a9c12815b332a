// SPDX-License-Identifier: GPL-2.0

//! Waiters that are found by a key: the entries of a wait in an [`Index`].
//!
//! This file has no kernel paths: see [`protocol`](super::protocol), which has the argument.
//!
//! # Why no wake-up is lost under another key
//!
//! A claim under a key sees the slot of that key and nothing else, and an update under a key changes that slot
//! and nothing else, because both get it from the same [`Slots::slot`], which has no slot with two keys. So
//! whoever waits under another key waits for what has not changed. A claim with a threshold is its threshold:
//! whoever is behind the first threshold that is not reached has a greater one.

use super::{
    claim::Claim,
    gift::NoGift,
    index::{
        Index,
        Links, //
    },
    monitor::{
        Events,
        Tried, //
    },
    needs::Platform,
    queue::Head,
    slots::{
        Key,
        Measure,
        Slots, //
    },
    waiter::Waiter,
};
use core::ptr;

/// Where an event is whose waiters are found by a key.
///
/// # Invariants
///
/// Those of [`Place`](super::monitor::Place).
pub(crate) struct IndexPlace<S, T, P: Platform> {
    index: *const Index<S, P>,
    data: *mut T,
}

impl<S, T, P: Platform> IndexPlace<S, T, P> {
    /// Says where an event is.
    ///
    /// # Safety
    ///
    /// The invariants must hold for as long as the result is used.
    #[inline]
    pub(crate) unsafe fn new(index: *const Index<S, P>, data: *mut T) -> Self {
        // INVARIANT: By the safety requirements.
        Self { index, data }
    }

    /// An event that is not there, which is as good as one that is closed.
    #[inline]
    pub(crate) fn nowhere() -> Self {
        Self {
            index: ptr::null(),
            data: ptr::null_mut(),
        }
    }

    /// Returns the event, if it is there and open.
    ///
    /// # Safety
    ///
    /// The caller holds the lock and has no other reference to what it protects.
    #[inline]
    unsafe fn get(&self) -> Option<(&Index<S, P>, &mut T)> {
        if self.index.is_null() {
            return None;
        }
        // SAFETY: By the safety requirements and the type invariants.
        let (index, data) = unsafe { (&*self.index, &mut *self.data) };
        (!index.queue().is_closed()).then_some((index, data))
    }
}

/// One key of an event, and the claim on its slot.
pub struct OneKey<T: Slots, C: Claim<T::Slot>, P: Platform> {
    place: IndexPlace<T::Slot, T, P>,
    key: T::Key,
    waiter: Waiter<T::Slot, C, P, Links<T::Slot, P>>,
}

impl<T: Slots, C: Claim<T::Slot>, P: Platform> OneKey<T, C, P> {
    #[inline]
    pub(crate) fn new(place: IndexPlace<T::Slot, T, P>, key: T::Key, claim: C) -> Self {
        Self {
            place,
            key,
            waiter: Waiter::new(claim),
        }
    }
}

// SAFETY: The entry is that of `waiter`, and has links.
unsafe impl<T: Slots, C: Claim<T::Slot>, P: Platform> Events<P> for OneKey<T, C, P> {
    type Output = C::Output;
    type Back = NoGift;

    unsafe fn try_now(&mut self) -> Tried<C::Output> {
        // SAFETY: By the safety requirements.
        let Some((index, data)) = (unsafe { self.place.get() }) else {
            return Tried::Closed;
        };
        let Some(slot) = data.slot(self.key) else {
            return Tried::Closed;
        };
        // SAFETY: A wait is over when its claim has succeeded.
        match unsafe { self.waiter.try_now(slot) } {
            Some(result) => {
                if !index.queue().is_empty() {
                    index.consider(self.key.number(), slot);
                }
                Tried::Claimed(result)
            }
            None => Tried::InVain,
        }
    }

    unsafe fn enqueue(&self, head: &Head<P>) {
        let entry = Waiter::entry(&raw const self.waiter);
        // SAFETY: By the safety requirements the entry stays where it is. The event is there and not
        // closed: that was looked at under the same lock.
        unsafe { (*self.place.index).enqueue(entry, head, self.key.number()) };
    }

    unsafe fn departed(&self) {}

    unsafe fn take(&self) -> Option<C::Output> {
        // SAFETY: By the safety requirements.
        unsafe { self.waiter.take() }
    }

    unsafe fn back(self) -> NoGift {
        NoGift
    }
}

/// A threshold of an event, and what is taken when it is reached.
pub struct OneThreshold<W: Measure, C: Claim<W>, P: Platform> {
    place: IndexPlace<W, W, P>,
    threshold: u64,
    waiter: Waiter<W, C, P, Links<W, P>>,
}

impl<W: Measure + 'static, C: Claim<W>, P: Platform> OneThreshold<W, C, P> {
    /// The condition of `claim` always holds.
    #[inline]
    pub(crate) fn new(place: IndexPlace<W, W, P>, threshold: u64, claim: C) -> Self {
        Self {
            place,
            threshold,
            waiter: Waiter::new(claim),
        }
    }
}

// SAFETY: The entry is that of `waiter`, and has links.
unsafe impl<W: Measure + 'static, C: Claim<W>, P: Platform> Events<P> for OneThreshold<W, C, P> {
    type Output = C::Output;
    type Back = NoGift;

    unsafe fn try_now(&mut self) -> Tried<C::Output> {
        // SAFETY: By the safety requirements.
        let Some((index, data)) = (unsafe { self.place.get() }) else {
            return Tried::Closed;
        };
        if data.measure() < self.threshold {
            return Tried::InVain;
        }
        // SAFETY: A wait is over when its claim has succeeded.
        match unsafe { self.waiter.try_now(data) } {
            Some(result) => {
                if !index.queue().is_empty() {
                    index.consider_reached(data, W::measure);
                }
                Tried::Claimed(result)
            }
            None => Tried::InVain,
        }
    }

    unsafe fn enqueue(&self, head: &Head<P>) {
        let entry = Waiter::entry(&raw const self.waiter);
        // SAFETY: As in `OneKey`.
        unsafe { (*self.place.index).enqueue(entry, head, self.threshold) };
    }

    unsafe fn departed(&self) {}

    unsafe fn take(&self) -> Option<C::Output> {
        // SAFETY: By the safety requirements.
        unsafe { self.waiter.take() }
    }

    unsafe fn back(self) -> NoGift {
        NoGift
    }
}
