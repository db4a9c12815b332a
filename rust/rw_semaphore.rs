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

use crate::{
    context::{
        Borrowed,
        MaySleep, //
    },
    level::{
        After,
        Level,
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
        data: T,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            // INVARIANT: It is initialised.
            semaphore <- Opaque::ffi_init(|semaphore| {
                // SAFETY: `semaphore` is valid for writes and will not move; name and key are static.
                unsafe { bindings::__init_rwsem(semaphore, name.as_char_ptr(), key.as_ptr()) }
            }),
            data: UnsafeCell::new(data),
            _level: PhantomData,
        })
    }

    /// Waits until nobody writes, and keeps writers out.
    ///
    /// Context: may sleep, not to be interrupted. A task must not read twice: a writer that comes in
    /// between would be waited for by the second, and wait for the first. The order sees to that.
    #[doc(alias = "down_read")]
    pub fn read_in<'a, 'c, C: Level>(&'a self, _cx: &'c mut MaySleep<C>) -> ReadGuard<'a, 'c, T, L>
    where
        L: After<C>,
    {
        // SAFETY: It is initialised; the caller may sleep.
        unsafe { bindings::down_read(self.semaphore.get()) };
        ReadGuard::new(self)
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
        _cx: &'c mut MaySleep<C>,
    ) -> Result<ReadGuard<'a, 'c, T, L>>
    where
        L: After<C>,
    {
        // SAFETY: It is initialised; the caller may sleep.
        to_result(unsafe { bindings::down_read_killable(self.semaphore.get()) })?;
        Ok(ReadGuard::new(self))
    }

    /// Waits until nobody reads or writes, and keeps all others out.
    ///
    /// Context: may sleep, not to be interrupted.
    #[doc(alias = "down_write")]
    pub fn write_in<'a, 'c, C: Level>(
        &'a self,
        _cx: &'c mut MaySleep<C>,
    ) -> WriteGuard<'a, 'c, T, L>
    where
        L: After<C>,
    {
        // SAFETY: It is initialised; the caller may sleep.
        unsafe { bindings::down_write(self.semaphore.get()) };
        WriteGuard::new(self)
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
        _cx: &'c mut MaySleep<C>,
    ) -> Result<WriteGuard<'a, 'c, T, L>>
    where
        L: After<C>,
    {
        // SAFETY: It is initialised; the caller may sleep.
        to_result(unsafe { bindings::down_write_killable(self.semaphore.get()) })?;
        Ok(WriteGuard::new(self))
    }
}

macro_rules! guard {
    ($(#[$doc:meta])* $name:ident, $up:ident) => {
        $(#[$doc])*
        #[must_use = "the semaphore is released immediately when this is unused"]
        pub struct $name<'a, 'c, T, L: Level> {
            semaphore: &'a RwSemaphore<T, L>,
            inner: MaySleep<L>,
            _borrowed: Borrowed<'c>,
            // Lockdep, and the owner that writers spin on, are those of the task.
            _not_send: NotThreadSafe,
        }

        impl<'a, T, L: Level> $name<'a, '_, T, L> {
            /// The caller has acquired it.
            fn new(semaphore: &'a RwSemaphore<T, L>) -> Self {
                // INVARIANT: The caller has.
                Self {
                    semaphore,
                    inner: MaySleep::while_held(),
                    _borrowed: Borrowed::new(),
                    _not_send: NotThreadSafe,
                }
            }
        }

        impl<T, L: Level> Deref for $name<'_, '_, T, L> {
            type Target = T;

            fn deref(&self) -> &T {
                // SAFETY: By the type invariants nobody changes it, but through `&mut self`.
                unsafe { &*self.semaphore.data.get() }
            }
        }

        impl<T, L: Level> Drop for $name<'_, '_, T, L> {
            fn drop(&mut self) {
                // SAFETY: By the type invariants it is held, by this task.
                unsafe { bindings::$up(self.semaphore.semaphore.get()) };
            }
        }
    };
}

guard! {
    /// A semaphore that is held for reading.
    ///
    /// It is not [`Parkable`](crate::drain::Parkable): whoever waits for the writer waits for this.
    ///
    /// `mem::forget` keeps writers out for ever.
    ///
    /// # Invariants
    ///
    /// This task holds `semaphore` for reading.
    ReadGuard, up_read
}

guard! {
    /// A semaphore that is held for writing.
    ///
    /// `mem::forget` keeps everybody out for ever.
    ///
    /// # Invariants
    ///
    /// This task holds `semaphore` for writing.
    WriteGuard, up_write
}

impl<T, L: Level> ReadGuard<'_, '_, T, L> {
    /// Returns the data together with the capability to sleep while this is held: see
    /// [`Held::inner`](crate::held::Held::inner).
    pub fn inner(&mut self) -> (&T, &mut MaySleep<L>) {
        // SAFETY: By the type invariants nobody changes it.
        (unsafe { &*self.semaphore.data.get() }, &mut self.inner)
    }
}

impl<T, L: Level> WriteGuard<'_, '_, T, L> {
    /// As [`ReadGuard::inner`].
    pub fn inner(&mut self) -> (&mut T, &mut MaySleep<L>) {
        // SAFETY: By the type invariants it is ours alone.
        (unsafe { &mut *self.semaphore.data.get() }, &mut self.inner)
    }
}

impl<T, L: Level> DerefMut for WriteGuard<'_, '_, T, L> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: By the type invariants it is ours alone.
        unsafe { &mut *self.semaphore.data.get() }
    }
}
