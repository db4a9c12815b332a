// SPDX-License-Identifier: GPL-2.0

//! Locks with a place in the order of a module.

use crate::{
    context::MaySleep,
    held::Held,
    level::{
        After,
        Level, //
    },
    wait_map::Tried, //
};
use core::marker::PhantomData;
use kernel::{
    prelude::*,
    sync::{
        lock::{
            spinlock::SpinLockIrqBackend,
            Backend,
            Guard,
            Lock, //
        },
        SpinLockIrq, //
    }, //
};

/// A lock and its place in the order.
///
/// Its destructor does nothing but destroy the lock. `mem::forget` of a box with it leaks memory. A lock
/// that is taken under itself does not compile: no level stands below itself.
#[pin_data]
pub struct Ordered<L: Level, K> {
    #[pin]
    lock: K,
    _level: PhantomData<fn() -> L>,
}

impl<L: Level, T, B: Backend> Ordered<L, Lock<T, B>> {
    /// Gives a lock its place, for example `Ordered::new(new_mutex!(0))`.
    ///
    /// Context: any; it only initialises.
    pub fn new<E>(lock: impl PinInit<Lock<T, B>, E>) -> impl PinInit<Self, E>
    where
        E: From<core::convert::Infallible>,
    {
        try_pin_init!(Self {
            lock <- lock,
            _level: PhantomData,
        }? E)
    }

    /// Acquires the lock and borrows the capability until it is released.
    ///
    /// What can be taken or waited for meanwhile: see [`Held::inner`].
    ///
    /// Context: may sleep, whatever the kind of lock.
    #[inline]
    pub fn lock_in<'a, 'c, C: Level>(&'a self, cx: &'c mut MaySleep<C>) -> Held<'a, 'c, T, B, C, L>
    where
        L: After<C>,
    {
        Held::new(self.lock.lock(), cx)
    }

    /// As [`Ordered::lock_in`], but returns [`None`] if somebody else holds the lock.
    ///
    /// The order is the same. A task that tries until it succeeds depends on the lock as one that
    /// waits for it does, so lockdep is told the same as if it waited; of a trylock it would take no
    /// notice. `md`'s daemon is such a task.
    ///
    /// Context: may sleep, though this does not.
    #[doc(alias("mutex_trylock", "spin_trylock"))]
    #[inline]
    pub fn try_lock_in<'a, 'c, C: Level>(
        &'a self,
        cx: &'c mut MaySleep<C>,
    ) -> Option<Held<'a, 'c, T, B, C, L>>
    where
        L: After<C>,
        B: Tried,
    {
        B::might_be_taken(&self.lock);
        Some(Held::new(self.lock.try_lock()?, cx))
    }
}

impl<L: Level, K> Ordered<L, K> {
    /// Returns the lock without its place.
    #[inline]
    pub(crate) fn plain(&self) -> &K {
        &self.lock
    }
}

impl<L: Level, T> Ordered<L, SpinLockIrq<T>> {
    /// Acquires the lock without the capability to sleep, in an interrupt for example.
    ///
    /// The guard cannot wait, and nothing can be waited for with it held, so it stands below everything.
    ///
    /// Context: any.
    #[doc(alias = "spin_lock_irqsave")]
    #[inline]
    pub fn lock_irq(&self) -> Guard<'_, T, SpinLockIrqBackend> {
        self.lock.lock()
    }
}
