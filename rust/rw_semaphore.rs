// SPDX-License-Identifier: GPL-2.0

//! Read-write semaphores: many readers or one writer, who may sleep meanwhile.
//!
//! C header: [`include/linux/rwsem.h`](srctree/include/linux/rwsem.h)
//!
//! The `kernel` crate has none yet; this is what file systems hold while they wait for direct I/O, and
//! what a reader must not leave to somebody who waits for the writer. In C, the read side can be
//! released by another task (`up_read_non_owner()`), and so be parked on one, which is how a freeze came
//! to wait for itself. A guard here stays with its task. A protection that outlives the system call is a
//! reference of a [`Drain`](crate::drain::Drain), whose freeze is
//! [`Drain::shut_owned`](crate::drain::Drain::shut_owned).

mod event;
mod wait;

pub use event::RwEvent;
pub use wait::OnShared;

use crate::{
    context::{
        Borrowed,
        MaySleep, //
    },
    level::{
        After,
        Level,
        Top,
        Unordered, //
    },
};
use core::{
    cell::UnsafeCell,
    marker::PhantomData,
    ops::{
        Deref,
        DerefMut, //
    },
    pin::Pin,
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    sync::LockClassKey,
    types::{
        NotThreadSafe,
        Opaque, //
    },
};
use pin_init::Wrapper;

/// Creates a [`RwSemaphore`] initialiser with a lock class of its own.
#[macro_export]
macro_rules! new_rw_semaphore {
    ($data:expr $(, $name:literal)? $(,)?) => {
        $crate::rw_semaphore::RwSemaphore::new(
            $data, ::kernel::optional_name!($($name)?), ::kernel::static_lock_class!())
    };
}
pub use new_rw_semaphore;

/// Data that many tasks may read or one may change, at the level `L`.
///
/// Nobody holds it when it is dropped: the guards borrow it. `mem::forget` of a box with it leaks memory.
/// A task that holds it cannot take it itself once more: no level stands below itself.
///
/// # Invariants
///
/// `semaphore` is initialised, and `data` is changed only by who holds it for writing.
///
/// # Examples
///
/// ```
/// use baton::rw_semaphore::{new_rw_semaphore, RwSemaphore};
/// use baton::MaySleep;
/// use kernel::prelude::*;
///
/// fn grow(size: &RwSemaphore<u64>, cx: &mut MaySleep) -> u64 {
///     *size.write_in(cx) += 1;
///     *size.read_in(cx)
/// }
///
/// let cx = &mut MaySleep::assert();
/// let size: Pin<KBox<RwSemaphore<u64>>> = KBox::pin_init(new_rw_semaphore!(41), GFP_KERNEL)?;
/// assert_eq!(grow(&size, cx), 42);
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "rw_semaphore")]
#[pin_data]
pub struct RwSemaphore<T, L: Level = Unordered> {
    #[pin]
    semaphore: Opaque<bindings::rw_semaphore>,
    #[pin]
    data: UnsafeCell<T>,
    _level: PhantomData<fn() -> L>,
}

// SAFETY: It may be sent to another task as its data may.
unsafe impl<T: Send, L: Level> Send for RwSemaphore<T, L> {}

// SAFETY: Readers share the data, and a writer may move it to another task.
unsafe impl<T: Send + Sync, L: Level> Sync for RwSemaphore<T, L> {}

impl<T, L: Level> RwSemaphore<T, L> {
    /// Makes one that nobody holds; [`new_rw_semaphore!`] is the usual way.
    ///
    /// Context: any; it only initialises.
    #[doc(alias = "init_rwsem")]
    pub fn new(
        data: impl PinInit<T>,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            // INVARIANT: It is initialised.
            semaphore <- Opaque::ffi_init(|semaphore| {
                // SAFETY: `semaphore` is valid for writes and will not move; name and key are static.
                unsafe { bindings::__init_rwsem(semaphore, name.as_char_ptr(), key.as_ptr()) }
            }),
            data <- <UnsafeCell<_> as Wrapper<_>>::pin_init(data),
            _level: PhantomData,
        })
    }

    /// Acquires it for reading.
    pub(crate) fn down_read(&self) -> Read<'_, T, L> {
        // SAFETY: It is initialised; the callers may sleep.
        unsafe { bindings::down_read(self.semaphore.get()) };
        // INVARIANT: It was acquired.
        Read(self, NotThreadSafe)
    }

    /// Acquires it for writing.
    pub(crate) fn down_write(&self) -> Write<'_, T, L> {
        // SAFETY: It is initialised; the callers may sleep.
        unsafe { bindings::down_write(self.semaphore.get()) };
        // INVARIANT: It was acquired.
        Write(self, NotThreadSafe)
    }

    /// Waits until nobody writes, and keeps writers out.
    ///
    /// Context: may sleep, not to be interrupted. A task must not read twice: a writer that comes in
    /// between would be waited for by the second, and wait for the first. The order sees to that.
    #[doc(alias = "down_read")]
    pub fn read_in<'a, 'c, C: Level>(
        &'a self,
        cx: &'c mut MaySleep<C>,
    ) -> ReadGuard<'a, 'c, T, C, L>
    where
        L: After<C>,
    {
        ReadGuard::new(self.down_read(), cx)
    }

    /// As [`RwSemaphore::read_in`], and gives up on a fatal signal.
    ///
    /// Context: may sleep, as [`RwSemaphore::read_in`].
    ///
    /// # Errors
    ///
    /// `EINTR`.
    #[doc(alias = "down_read_killable")]
    pub fn read_killable_in<'a, 'c, C: Level>(
        &'a self,
        cx: &'c mut MaySleep<C>,
    ) -> Result<ReadGuard<'a, 'c, T, C, L>>
    where
        L: After<C>,
    {
        // SAFETY: It is initialised; the caller may sleep.
        to_result(unsafe { bindings::down_read_killable(self.semaphore.get()) })?;
        // INVARIANT: It was acquired.
        Ok(ReadGuard::new(Read(self, NotThreadSafe), cx))
    }

    /// Waits until nobody reads or writes, and keeps all others out.
    ///
    /// Context: may sleep, not to be interrupted.
    #[doc(alias = "down_write")]
    pub fn write_in<'a, 'c, C: Level>(
        &'a self,
        cx: &'c mut MaySleep<C>,
    ) -> WriteGuard<'a, 'c, T, C, L>
    where
        L: After<C>,
    {
        WriteGuard::new(self.down_write(), cx)
    }

    /// As [`RwSemaphore::write_in`], and gives up on a fatal signal.
    ///
    /// Context: may sleep, as [`RwSemaphore::write_in`].
    ///
    /// # Errors
    ///
    /// `EINTR`.
    #[doc(alias = "down_write_killable")]
    pub fn write_killable_in<'a, 'c, C: Level>(
        &'a self,
        cx: &'c mut MaySleep<C>,
    ) -> Result<WriteGuard<'a, 'c, T, C, L>>
    where
        L: After<C>,
    {
        // SAFETY: It is initialised; the caller may sleep.
        to_result(unsafe { bindings::down_write_killable(self.semaphore.get()) })?;
        // INVARIANT: It was acquired.
        Ok(WriteGuard::new(Write(self, NotThreadSafe), cx))
    }
}

macro_rules! guard {
    ($(#[$doc:meta])* $name:ident, $held:ident, $up:ident) => {
        /// The semaphore is held, until this is dropped. `mem::forget` leaves it held.
        ///
        /// # Invariants
        ///
        /// This task has acquired it.
        // Lockdep, and the owner that writers spin on, are those of the task.
        #[doc(hidden)]
        pub struct $held<'a, T, L: Level>(&'a RwSemaphore<T, L>, NotThreadSafe);

        impl<T, L: Level> Drop for $held<'_, T, L> {
            fn drop(&mut self) {
                // SAFETY: By the type invariants it is held, by this task.
                unsafe { bindings::$up(self.0.semaphore.get()) };
            }
        }

        $(#[$doc])*
        #[must_use = "the semaphore is released immediately when this is unused"]
        pub struct $name<'a, 'c, T, C: Level = Top, L: Level = Unordered> {
            held: $held<'a, T, L>,
            cx: &'c mut MaySleep<C>,
            inner: MaySleep<L>,
            _borrowed: Borrowed<'c>,
        }

        impl<'a, 'c, T, C: Level, L: Level> $name<'a, 'c, T, C, L> {
            pub(crate) fn new(held: $held<'a, T, L>, cx: &'c mut MaySleep<C>) -> Self {
                Self {
                    held,
                    cx,
                    inner: MaySleep::while_held(),
                    _borrowed: Borrowed::new(),
                }
            }

            /// Returns what holds the semaphore, and what takes it again.
            #[allow(clippy::type_complexity, reason = "the guard, and what it was made of")]
            pub(crate) fn split(
                self,
            ) -> (
                $held<'a, T, L>,
                (&'a RwSemaphore<T, L>, &'c mut MaySleep<C>),
            ) {
                let Self { held, cx, .. } = self;
                let semaphore = held.0;
                (held, (semaphore, cx))
            }
        }

        impl<T, C: Level, L: Level> Deref for $name<'_, '_, T, C, L> {
            type Target = T;

            fn deref(&self) -> &T {
                // SAFETY: It is held, so nobody changes it but through `&mut self`.
                unsafe { &*self.held.0.data.get() }
            }
        }
    };
}

guard! {
    /// A semaphore that is held for reading.
    ///
    /// It is not [`Parkable`](crate::drain::Parkable): whoever waits for the writer waits for this.
    ///
    /// Dropping it releases the semaphore. `mem::forget` keeps writers out for ever.
    ReadGuard, Read, up_read
}

guard! {
    /// A semaphore that is held for writing.
    ///
    /// Dropping it releases the semaphore. `mem::forget` keeps everybody out for ever.
    WriteGuard, Write, up_write
}

impl<T, C: Level, L: Level> ReadGuard<'_, '_, T, C, L> {
    /// Returns the data together with the capability to sleep while this is held: see
    /// [`Held::inner`](crate::held::Held::inner).
    ///
    /// Context: that of the guard; nothing is waited for.
    pub fn inner(&mut self) -> (&T, &mut MaySleep<L>) {
        // SAFETY: It is held for reading, so nobody changes it.
        (unsafe { &*self.held.0.data.get() }, &mut self.inner)
    }
}

impl<T, C: Level, L: Level> WriteGuard<'_, '_, T, C, L> {
    /// As [`ReadGuard::inner`].
    ///
    /// Context: that of the guard; nothing is waited for.
    pub fn inner(&mut self) -> (Pin<&mut T>, &mut MaySleep<L>) {
        // SAFETY: It is held for writing, so it is ours alone; and it is pinned with the semaphore.
        let data = unsafe { Pin::new_unchecked(&mut *self.held.0.data.get()) };
        (data, &mut self.inner)
    }

    /// Returns a pinned mutable reference to the data.
    ///
    /// Context: that of the guard; nothing is waited for.
    pub fn as_mut(&mut self) -> Pin<&mut T> {
        self.inner().0
    }
}

impl<T: Unpin, C: Level, L: Level> DerefMut for WriteGuard<'_, '_, T, C, L> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: It is held for writing, so it is ours alone.
        unsafe { &mut *self.held.0.data.get() }
    }
}
