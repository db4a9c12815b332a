// SPDX-License-Identifier: GPL-2.0

//! Two held locks, of which a wait gives up both.
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h) (`wait_event_cmd()`,
//! `wait_event_lock_irq_cmd()`)
//!
//! # The bug that this removes
//!
//! A wait gives up the lock of its event. If the task holds another one outside of that, and whoever is to end
//! the wait needs it, then nobody goes on:
//!
//! ```text
//!   admin                                    daemon
//!   1 lock(reconfig_mutex)
//!   2 lock(device_lock)
//!   3 waits, and gives up device_lock
//!                                            4 lock(reconfig_mutex): waits
//! ```
//!
//! In C, the other lock is given up and taken again by two statements that are handed to a macro,
//! `wait_event_lock_irq_cmd(wq, condition, device_lock, mutex_unlock(..), mutex_lock(..))`. Without them, step 3 does
//! not compile here: see [`level`](crate::level). With them forgotten on one way out, or in the other order, C does.
//!
//! [`Held::and`] makes one guard of two locks. Its wait gives up both, and returns with neither, or with both, taken
//! in the right order:
//!
//! ```text
//!   waiter                                   updater
//!   1 lock outer, lock inner
//!   2 the claim fails, entry on the list
//!   3 publish the state "asleep"
//!   4 unlock inner
//!                                            5 lock outer: waits
//!   6 unlock outer
//!                                            7 lock outer, lock inner, update, serve
//!   8 sleep, unless served
//!   9 lock outer, lock inner
//! ```
//!
//! The entry is on the list before the first of the locks is given up, so there is nothing between 4 and 8 to be lost:
//! an updater that needs the inner lock only may come in there, too. Whoever gives up takes the inner lock alone.

mod semaphore;
mod wait;

use crate::{
    context::MaySleep,
    held::{
        Held,
        Locked, //
    },
    level::{
        After,
        Level, //
    },
    ordered::Ordered, //
};
use core::{
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

mod private {
    pub trait Sealed {}
}

/// A guard that a task can take another lock under, and give up while it waits. Sealed.
///
/// That of a mutex, [`Held`], and those of a [`RwSemaphore`](crate::rw_semaphore::RwSemaphore).
pub trait Outer: private::Sealed {
    /// The level of what the task holds besides.
    type Above: Level;
    /// That of this lock.
    type Level: Level;
    /// What it protects.
    type Data: ?Sized;
    /// Holds the lock until it is dropped.
    #[doc(hidden)]
    type Guard;
    /// The lock, and the capability.
    #[doc(hidden)]
    type Lock;

    /// Returns the data.
    #[doc(hidden)]
    fn data(&self) -> &Self::Data;
    /// Returns what holds the lock, and what takes it again.
    #[doc(hidden)]
    fn split(self) -> (Self::Guard, Self::Lock);
    /// Takes the lock again.
    #[doc(hidden)]
    fn retake(lock: Self::Lock) -> Self;
}

/// A lock that can be taken while another one is held, at the level `L`. Sealed.
///
/// An [`Ordered`] one that stands below that; or a plain spinlock, under which nothing else is taken.
#[diagnostic::on_unimplemented(
    message = "`{Self}` must not be taken while `{L}` is held",
    note = "an `Ordered` lock has to stand below it; a mutex that is not `Ordered` has no place under another lock"
)]
pub trait InnerLock<L: Level>: private::Sealed {
    /// What it protects.
    type Data;
    /// What kind of lock it is.
    type Backend: Backend;

    /// Takes the lock.
    #[doc(hidden)]
    fn lock_inner(&self) -> Guard<'_, Self::Data, Self::Backend>;
}

impl<M: Level, T, B: Backend> private::Sealed for Ordered<M, Lock<T, B>> {}
impl<T> private::Sealed for Lock<T, SpinLockBackend> {}
impl<T> private::Sealed for Lock<T, SpinLockIrqBackend> {}

impl<L: Level, M: After<L>, T, B: Backend> InnerLock<L> for Ordered<M, Lock<T, B>> {
    type Data = T;
    type Backend = B;

    #[inline]
    fn lock_inner(&self) -> Guard<'_, T, B> {
        self.plain().lock()
    }
}

impl<L: Level, T> InnerLock<L> for Lock<T, SpinLockBackend> {
    type Data = T;
    type Backend = SpinLockBackend;

    #[inline]
    fn lock_inner(&self) -> Guard<'_, T, SpinLockBackend> {
        self.lock()
    }
}

impl<L: Level, T> InnerLock<L> for Lock<T, SpinLockIrqBackend> {
    type Data = T;
    type Backend = SpinLockIrqBackend;

    #[inline]
    fn lock_inner(&self) -> Guard<'_, T, SpinLockIrqBackend> {
        self.lock()
    }
}

impl<T: ?Sized, C: Level, L: Level> private::Sealed for Held<'_, '_, T, MutexBackend, C, L> {}

impl<'a, 'c, T: ?Sized, C: Level, L: Level> Outer for Held<'a, 'c, T, MutexBackend, C, L> {
    type Above = C;
    type Level = L;
    type Data = T;
    type Guard = Locked<'a, T, MutexBackend>;
    type Lock = (&'a Lock<T, MutexBackend>, &'c mut MaySleep<C>);

    #[inline]
    fn data(&self) -> &T {
        self
    }

    #[inline]
    fn split(self) -> (Self::Guard, Self::Lock) {
        let Self { locked, cx, .. } = self;
        let lock = locked.guard.lock_ref();
        (locked, (lock, cx))
    }

    #[inline]
    fn retake((lock, cx): Self::Lock) -> Self {
        Self::new(lock.lock(), cx)
    }
}

/// Takes a lock under one that is held.
#[inline]
fn lock_both<O: Outer, K: InnerLock<O::Level>>(
    outer: O,
    lock: &K,
) -> Both<'_, O, K::Data, K::Backend> {
    Both {
        inner: Locked::new(lock.lock_inner()),
        outer,
    }
}

impl<T: ?Sized, C: Level, L: Level> Held<'_, '_, T, MutexBackend, C, L> {
    /// Takes a lock under this one, and makes one guard of both: one that can wait without either.
    ///
    /// It is for a wait for an event under the inner lock which whoever ends it needs the outer lock for as well. A
    /// wait that keeps the outer lock is a wait with something held: see [`Held::inner`].
    ///
    /// The inner lock is reached by another way than the data of this one, which is somebody else's while the task sleeps.
    ///
    /// Context: that of the guard; it waits for the inner lock, and that of a mutex may sleep.
    #[doc(alias("wait_event_cmd", "wait_event_lock_irq_cmd"))]
    #[inline]
    pub fn and<K: InnerLock<L>>(self, lock: &K) -> Both<'_, Self, K::Data, K::Backend> {
        lock_both(self, lock)
    }
}

/// Two locks that are held, one inside the other: see [`Held::and`].
///
/// It is the guard of the inner data, and can wait for an event in that: see [`Both::on`]. While it lives, the
/// capability is borrowed, as by the outer guard.
///
/// Dropping it releases both, the inner one first, and wakes whom [`Both::update`] has served. `mem::forget` leaves
/// both held for ever. Neither can be taken again by the same task meanwhile: its capability is borrowed.
///
/// # Examples
///
/// ```
/// use baton::event::Killable;
/// use baton::level::levels;
/// use baton::{new_event, Event, MaySleep, Ordered};
/// use kernel::prelude::*;
/// use kernel::sync::{new_mutex, new_spinlock, Mutex, SpinLock};
///
/// levels! {
///     mod order {
///         Config,
///         Stripes,
///     }
/// }
///
/// #[pin_data]
/// struct Stripes {
///     #[pin]
///     free: Event<u32>,
/// }
///
/// /// Takes a stripe; the daemon that frees one needs the configuration.
/// fn get(
///     config: &Ordered<order::Config, Mutex<u32>>,
///     stripes: &Ordered<order::Stripes, SpinLock<Stripes>>,
///     cx: &mut MaySleep,
/// ) -> Result {
///     let (both, taken) = config
///         .lock_in(cx)
///         .and(stripes)
///         .on(|stripes| &stripes.free)
///         .when(|free| *free > 0, |free| *free -= 1)
///         .wait_relock(Killable);
///     // Both are held again, whatever came of it.
///     let mut config = both.unlock_inner();
///     taken?;
///     *config += 1;
///     Ok(())
/// }
///
/// let cx = &mut MaySleep::assert();
/// let config = KBox::pin_init(Ordered::new(new_mutex!(7)), GFP_KERNEL)?;
/// let stripes = Ordered::new(new_spinlock!(pin_init!(Stripes { free <- new_event!(1) })));
/// let stripes = KBox::pin_init(stripes, GFP_KERNEL)?;
/// get(&config, &stripes, cx)?;
/// assert_eq!(*config.lock_in(cx), 8);
/// assert_eq!(*stripes.lock_in(cx).free, 0);
/// # Ok::<(), Error>(())
/// ```
///
/// [`Both::on`]: Both::on
#[must_use = "the locks unlock immediately when the guard is unused"]
pub struct Both<'i, O: Outer, T, B: Backend> {
    // Released before the outer one.
    inner: Locked<'i, T, B>,
    outer: O,
}

impl<O: Outer, T, B: Backend> Both<'_, O, T, B> {
    /// Returns the data of the outer lock.
    ///
    /// Context: that of the guard; nothing is waited for.
    #[inline]
    pub fn outer(&self) -> &O::Data {
        self.outer.data()
    }

    /// Returns a pinned mutable reference to the data of the inner lock.
    ///
    /// Context: that of the guard; nothing is waited for.
    #[inline]
    pub fn as_mut(&mut self) -> Pin<&mut T> {
        self.inner.guard.as_mut()
    }

    /// Releases the inner lock, and wakes whom [`Both::update`] has served.
    ///
    /// Context: that of the guard; nothing is waited for.
    #[inline]
    pub fn unlock_inner(self) -> O {
        self.outer
    }
}

impl<T: ?Sized, U, B: Backend, C: Level, L: Level>
    Both<'_, Held<'_, '_, T, MutexBackend, C, L>, U, B>
{
    /// Returns a pinned mutable reference to the data of the outer lock.
    ///
    /// Context: that of the guard; nothing is waited for.
    #[inline]
    pub fn outer_mut(&mut self) -> Pin<&mut T> {
        self.outer.as_mut()
    }
}

impl<O: Outer, T, B: Backend> Deref for Both<'_, O, T, B> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.inner.guard
    }
}

impl<O: Outer, T: Unpin, B: Backend> DerefMut for Both<'_, O, T, B> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner.guard
    }
}
