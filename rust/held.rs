// SPDX-License-Identifier: GPL-2.0

//! Locks that have borrowed the capability to sleep.
//!
//! A [`Held`] lock is the guard that can wait: see `event/wait.rs`.

use crate::{
    context::{
        Borrowed,
        MaySleep, //
    },
    event::{
        platform::Kernel,
        protocol::{
            Chosen,
            Platform, //
        },
    },
    level::{
        After,
        Level,
        Top,
        Unordered, //
    },
};
#[cfg(CONFIG_KUNIT)]
use core::mem;
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::{
        Deref,
        DerefMut, //
    },
    pin::Pin,
};
use kernel::sync::lock::{
    mutex::MutexBackend,
    spinlock::{
        SpinLockBackend,
        SpinLockIrqBackend, //
    },
    Backend,
    Guard,
    Lock, //
};

/// Taking a lock with the capability to sleep.
///
/// Implemented by every lock of the `kernel` crate: `Mutex`, `SpinLock`, `SpinLockIrq`.
pub trait LockIn<T: ?Sized, B: Backend> {
    /// Acquires the lock and borrows the capability until it is released.
    ///
    /// The lock is in nobody's order, so nothing else may be held: see [`Ordered`].
    ///
    /// Context: may sleep, whatever the kind of lock.
    ///
    /// [`Ordered`]: crate::Ordered
    fn lock_in<'a, 'c, C: Level>(&'a self, cx: &'c mut MaySleep<C>) -> Held<'a, 'c, T, B, C>
    where
        Unordered: After<C>;
}

impl<T: ?Sized, B: Backend> LockIn<T, B> for Lock<T, B> {
    #[inline]
    fn lock_in<'a, 'c, C: Level>(&'a self, cx: &'c mut MaySleep<C>) -> Held<'a, 'c, T, B, C>
    where
        Unordered: After<C>,
    {
        Held::new(self.lock(), cx)
    }
}

/// A guard, and who was served under it: they are told after the lock was released.
///
/// Dropping it does both. `mem::forget` leaves the lock held, and them asleep.
#[doc(hidden)]
pub struct Locked<'a, T: ?Sized, B: Backend> {
    pub(crate) guard: ManuallyDrop<Guard<'a, T, B>>,
    pub(crate) chosen: Chosen<Kernel>,
}

impl<'a, T: ?Sized, B: Backend> Locked<'a, T, B> {
    #[inline]
    pub(crate) fn new(guard: Guard<'a, T, B>) -> Self {
        Self {
            guard: ManuallyDrop::new(guard),
            chosen: Chosen::new(),
        }
    }

    /// Wakes who was served so far, with the lock held.
    #[inline]
    fn wake(&mut self) {
        if !self.chosen.is_empty() {
            self.wake_now();
        }
    }

    #[cold]
    #[inline(never)]
    fn wake_now(&mut self) {
        self.chosen.complete();
    }

    #[cold]
    #[inline(never)]
    fn unlock_and_wake(&mut self) {
        // On `PREEMPT_RT` preemption is off for one wake-up, however many were served: they are woken with
        // the lock held, and whoever comes for it lends its priority.
        if cfg!(CONFIG_PREEMPT_RT) {
            self.chosen.complete();
        }
        // From before the lock is released: who was served must not wait for this task to run again.
        Kernel::begin_batch();
        // SAFETY: Called once, by `drop()`.
        unsafe { ManuallyDrop::drop(&mut self.guard) };
        self.chosen.complete();
        Kernel::end_batch();
    }
}

impl<T: ?Sized, B: Backend> Drop for Locked<'_, T, B> {
    #[inline]
    fn drop(&mut self) {
        if self.chosen.is_empty() {
            // SAFETY: The guard is not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.guard) };
        } else {
            self.unlock_and_wake();
        }
    }
}

/// Who was served under a lock that was released, and has yet to be told: see [`Held::unlock_untold`].
///
/// Dropping it tells them. `mem::forget` leaves them asleep for ever. It cannot be used from itself: nothing
/// of a user runs when they are told.
#[cfg(CONFIG_KUNIT)]
#[must_use = "who was served is told immediately when this is unused"]
pub struct Untold(Chosen<Kernel>);

#[cfg(CONFIG_KUNIT)]
impl Drop for Untold {
    fn drop(&mut self) {
        self.0.complete();
    }
}

/// A held lock together with the capability to sleep that it has borrowed.
///
/// It is the guard that can wait: see [`Held::on`]. While it lives, the capability is borrowed, so
/// that the task cannot take another lock of this kind beside it, nor sleep on anything else. A
/// second lock under this one is taken with [`Held::nested`], or, if both have a place in the order
/// of the module's [`levels`](crate::level), through [`Held::inner`].
///
/// `C` is the level of what the task holds besides, `L` that of this lock.
///
/// Dropping it releases the lock, and wakes whom [`Held::update`] has served. The task cannot take the
/// same lock again meanwhile: its capability is borrowed.
///
/// `mem::forget` leaves the lock held for ever, as with every guard of the `kernel` crate, and with it
/// asleep whoever [`Held::update`] has served under it.
#[must_use = "the lock unlocks immediately when the guard is unused"]
pub struct Held<'a, 'c, T: ?Sized, B: Backend, C: Level = Top, L: Level = Unordered> {
    pub(crate) locked: Locked<'a, T, B>,
    pub(crate) cx: &'c mut MaySleep<C>,
    inner: MaySleep<L>,
    pub(crate) _borrowed: Borrowed<'c>,
}

impl<'a, 'c, T: ?Sized, B: Backend, C: Level, L: Level> Held<'a, 'c, T, B, C, L> {
    /// Puts together what [`LockIn::lock_in`] returns.
    #[inline]
    pub(crate) fn new(guard: Guard<'a, T, B>, cx: &'c mut MaySleep<C>) -> Self {
        Self::from_locked(Locked::new(guard), cx)
    }

    /// As [`Held::new`], with who was served under the guard.
    #[inline]
    pub(crate) fn from_locked(locked: Locked<'a, T, B>, cx: &'c mut MaySleep<C>) -> Self {
        Self {
            locked,
            cx,
            // `Held::inner()` gives it out if the lock is a mutex.
            inner: MaySleep::while_held(),
            _borrowed: Borrowed::new(),
        }
    }
}

#[cfg(CONFIG_LOCKDEP)]
impl<'a, 'c, T: ?Sized, B: Backend, C: Level, L: Level> Held<'a, 'c, T, B, C, L> {
    /// Releases the lock and returns it, with the capability.
    pub(crate) fn unlock(self) -> (&'a Lock<T, B>, &'c mut MaySleep<C>) {
        let lock = self.locked.guard.lock_ref();
        (lock, self.cx)
    }
}

#[cfg(CONFIG_KUNIT)]
impl<T: ?Sized, B: Backend, C: Level, L: Level> Held<'_, '_, T, B, C, L> {
    /// Releases the lock, and does not tell yet whom [`Held::update`] has served under it. For tests.
    ///
    /// Context: any in which the lock may be held.
    pub fn unlock_untold(mut self) -> Untold {
        Untold(mem::replace(&mut self.locked.chosen, Chosen::new()))
    }
}

impl<T: ?Sized, C: Level, L: Level> Held<'_, '_, T, MutexBackend, C, L> {
    /// Returns the protected data together with the capability to sleep while this lock is held.
    ///
    /// What is taken or waited for with it has to stand below this lock in the order of the module:
    /// `L`, not `C`, is what it is compared with. Nobody who ends such a wait needs this lock. Only a
    /// mutex offers this: whoever holds a spinlock cannot sleep.
    ///
    /// Below a lock that has no place in the order is nothing: two such locks cannot be held at once. A function
    /// that is called with the capability and takes a lock of its own says which one may be held then:
    /// `fn flush<C: Level>(cache: &Cache, cx: &mut MaySleep<C>) where order::Cache: After<C>`.
    ///
    /// Whoever [`Held::update`] has served is woken first: this task may be about to wait for them.
    ///
    /// Context: that of the guard; nothing is waited for. Whoever is woken is only made runnable.
    #[inline]
    pub fn inner(&mut self) -> (Pin<&mut T>, &mut MaySleep<L>) {
        self.locked.wake();
        (self.locked.guard.as_mut(), &mut self.inner)
    }
}

impl<T: ?Sized, C: Level, L: Level> Held<'_, '_, T, MutexBackend, C, L> {
    /// Returns the protected data together with the permission to take a spinlock.
    ///
    /// The spinlock's guard borrows this one: it must be gone before this one can wait.
    ///
    /// Context: that of the guard; nothing is waited for.
    #[inline]
    pub fn nested(&mut self) -> (Pin<&mut T>, Nesting<'_>) {
        self.locked.wake();
        (self.locked.guard.as_mut(), Nesting(PhantomData))
    }
}

impl<T: ?Sized, B: Backend, C: Level, L: Level> Held<'_, '_, T, B, C, L> {
    /// Returns a pinned mutable reference to the protected data.
    ///
    /// Context: that of the guard; nothing is waited for.
    #[inline]
    pub fn as_mut(&mut self) -> Pin<&mut T> {
        self.locked.guard.as_mut()
    }
}

impl<T: ?Sized, B: Backend, C: Level, L: Level> Deref for Held<'_, '_, T, B, C, L> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.locked.guard
    }
}

impl<T: ?Sized + Unpin, B: Backend, C: Level, L: Level> DerefMut for Held<'_, '_, T, B, C, L> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.locked.guard
    }
}

/// The permission to take a spinlock while a mutex is held: see [`Held::nested`].
///
/// Only one at a time: the guard borrows this.
///
/// Dropping it does nothing, and so does `mem::forget`: nothing is held before a guard is made of it.
pub struct Nesting<'n>(PhantomData<&'n mut MaySleep>);

/// Taking a spinlock under a mutex, without a place in the order.
///
/// Implemented by `SpinLock` and `SpinLockIrq`. Whoever has one of these cannot sleep, and takes no other
/// lock under it, so it can be part of no cycle. Locks that nest in any other way need a place in the
/// order: see [`Ordered`](crate::Ordered).
pub trait LockNested<T: ?Sized, B: Backend> {
    /// Acquires the spinlock while the mutex that `nesting` came from is held.
    ///
    /// The guard cannot wait: a wait would sleep with the mutex held.
    ///
    /// Context: any in which a mutex can be held. It spins, and does not sleep.
    fn lock_nested<'a>(&'a self, nesting: &'a mut Nesting<'_>) -> Nested<'a, T, B>;
}

/// A spinlock that is held under a mutex.
///
/// It is no guard of the `kernel` crate, with which one could wait on a condition variable.
///
/// Dropping it releases the spinlock. `mem::forget` leaves it held for ever. The same lock cannot be
/// taken under itself: there is one guard at a time, which borrows the [`Nesting`].
#[must_use = "the lock unlocks immediately when the guard is unused"]
pub struct Nested<'a, T: ?Sized, B: Backend> {
    guard: Guard<'a, T, B>,
    _nesting: Borrowed<'a>,
}

impl<T: ?Sized, B: Backend> Nested<'_, T, B> {
    /// Returns a pinned mutable reference to the protected data.
    ///
    /// Context: that of the guard; nothing is waited for.
    #[inline]
    pub fn as_mut(&mut self) -> Pin<&mut T> {
        self.guard.as_mut()
    }
}

impl<T: ?Sized, B: Backend> Deref for Nested<'_, T, B> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T: ?Sized + Unpin, B: Backend> DerefMut for Nested<'_, T, B> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

macro_rules! nests {
    ($($backend:ty),*) => { $(
        impl<T: ?Sized> LockNested<T, $backend> for Lock<T, $backend> {
            #[inline]
            fn lock_nested<'a>(&'a self, _nesting: &'a mut Nesting<'_>) -> Nested<'a, T, $backend> {
                Nested {
                    guard: self.lock(),
                    _nesting: Borrowed::new(),
                }
            }
        }
    )* };
}

nests!(SpinLockBackend, SpinLockIrqBackend);
