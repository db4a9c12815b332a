// SPDX-License-Identifier: GPL-2.0

//! Lockdep maps of waits: a cycle through a wait is reported on a run that does not hang.
//!
//! C source: `rust/wait_map.h`, which C code can use as well. C header:
//! [`include/linux/lockdep.h`](srctree/include/linux/lockdep.h)
//!
//! [`levels`](crate::level) see the code that is written in terms of them. What C does they cannot
//! see: there, a wait is announced to lockdep as an acquisition, and the section that has to be left
//! for the wait to end as the time during which it is held. `flush_work()` does this, and so does
//! the block layer when it freezes a queue.
//!
//! A trylock is no acquisition to lockdep, because it cannot wait. Who tries until it succeeds
//! depends on the lock all the same, and says so: see [`Tried`].

#[cfg(CONFIG_LOCKDEP)]
use crate::ffi;
use core::marker::PhantomData;
#[cfg(CONFIG_LOCKDEP)]
use kernel::{
    bindings,
    types::Opaque, //
};
use kernel::{
    prelude::*,
    sync::{
        lock::{
            mutex::MutexBackend,
            spinlock::{
                SpinLockBackend,
                SpinLockIrqBackend, //
            },
            Backend,
            Lock, //
        },
        LockClassKey, //
    },
    types::NotThreadSafe, //
};

/// What lockdep knows about one kind of wait; nothing at all without `CONFIG_LOCKDEP`.
///
/// Its destructor does nothing: lockdep does not keep the map. `mem::forget` leaks its memory.
#[pin_data]
pub struct WaitMap {
    #[cfg(CONFIG_LOCKDEP)]
    #[pin]
    map: Opaque<bindings::lockdep_map>,
}

// SAFETY: Lockdep synchronises what it does with a map.
unsafe impl Send for WaitMap {}

// SAFETY: As above.
unsafe impl Sync for WaitMap {}

impl WaitMap {
    /// Initialises a map; waits with the same `key` are of one class.
    ///
    /// Context: any; it only initialises.
    pub fn new(name: &'static CStr, key: Pin<&'static LockClassKey>) -> impl PinInit<Self> {
        #[cfg(not(CONFIG_LOCKDEP))]
        let _ = (name, key);
        pin_init!(Self {
            #[cfg(CONFIG_LOCKDEP)]
            map <- Opaque::ffi_init(|map| {
                // SAFETY: `map` is valid for writes; `name` and `key` live for ever.
                unsafe { ffi::baton_wait_map_init(map, name.as_char_ptr(), key.as_ptr()) }
            }),
        })
    }

    /// The caller is going to wait, with what it holds now.
    ///
    /// Context: that of the wait that follows; this does not sleep.
    #[inline]
    pub fn wait(&self) {
        #[cfg(CONFIG_LOCKDEP)]
        // SAFETY: The map was initialised by `new()`.
        unsafe {
            ffi::baton_wait_map_acquire(self.map.get())
        };
    }

    /// What the caller begins here makes waits longer, and may end in any other context.
    ///
    /// Context: any.
    #[doc(alias = "blk_enter_queue")]
    #[inline]
    pub fn enter(&self) {
        #[cfg(CONFIG_LOCKDEP)]
        // SAFETY: The map was initialised by `new()`.
        unsafe {
            ffi::baton_wait_map_enter_shared(self.map.get())
        };
    }

    /// Waits cannot end before what is returned has been dropped.
    ///
    /// Context: a task; it does not sleep.
    #[inline]
    pub fn hold(&self) -> Holding<'_> {
        #[cfg(CONFIG_LOCKDEP)]
        // SAFETY: The map was initialised by `new()`; `Holding` lets go of it, in this task.
        unsafe {
            ffi::baton_wait_map_hold_section(self.map.get())
        };
        Holding {
            _map: self,
            _not_send: PhantomData,
        }
    }

    /// As [`WaitMap::hold`], for one of many that hold it at the same time.
    ///
    /// Context: a task; it does not sleep.
    #[doc(alias = "down_read")]
    #[inline]
    pub fn hold_shared(&self) -> Holding<'_> {
        #[cfg(CONFIG_LOCKDEP)]
        // SAFETY: The map was initialised by `new()`; `Holding` lets go of it, in this task.
        unsafe {
            ffi::baton_wait_map_hold_shared_section(self.map.get())
        };
        Holding {
            _map: self,
            _not_send: PhantomData,
        }
    }
}

/// A section of code that has to be left before the waits of a [`WaitMap`] can end.
///
/// Dropping it leaves the section. Lockdep reports a wait in the section itself.
///
/// `mem::forget` makes lockdep believe that the task is in the section for ever, and report it when
/// the task exits.
#[must_use = "the section ends immediately when this is unused"]
pub struct Holding<'m> {
    _map: &'m WaitMap,
    // Lockdep keeps what is held by task.
    _not_send: PhantomData<NotThreadSafe>,
}

impl Drop for Holding<'_> {
    #[inline]
    fn drop(&mut self) {
        #[cfg(CONFIG_LOCKDEP)]
        // SAFETY: `WaitMap::hold()` has acquired the map, in this task.
        unsafe {
            ffi::baton_wait_map_leave_section(self._map.map.get())
        };
    }
}

/// A kind of lock that lockdep is told of before it is tried.
///
/// `mutex_trylock()` and `spin_trylock()` leave no edge in lockdep's graph. What is told makes the
/// edges that waiting for the lock would make: from everything that the task holds to this lock.
/// Nothing at all without `CONFIG_LOCKDEP`.
///
/// Implemented for every lock of the `kernel` crate. C header:
/// [`include/linux/lockdep.h`](srctree/include/linux/lockdep.h)
pub trait Tried: Backend {
    /// The caller may take the lock, now or later, with what it holds now.
    #[doc(alias = "might_lock")]
    fn might_be_taken<T: ?Sized>(lock: &Lock<T, Self>)
    where
        Self: Sized;
}

/// Returns the C lock, which is the first field of a `#[repr(C)]` structure.
#[cfg(CONFIG_LOCKDEP)]
#[inline]
fn state<T: ?Sized, B: Backend>(lock: &Lock<T, B>) -> *mut B::State {
    core::ptr::from_ref(lock).cast_mut().cast()
}

impl Tried for MutexBackend {
    #[inline]
    fn might_be_taken<T: ?Sized>(_lock: &Lock<T, Self>) {
        #[cfg(CONFIG_LOCKDEP)]
        // SAFETY: The lock was initialised when it was made, and lives as long as the reference.
        unsafe {
            ffi::baton_mutex_might_be_taken(state(_lock))
        };
    }
}

impl Tried for SpinLockBackend {
    #[inline]
    fn might_be_taken<T: ?Sized>(_lock: &Lock<T, Self>) {
        #[cfg(CONFIG_LOCKDEP)]
        // SAFETY: As for the mutex.
        unsafe {
            ffi::baton_spinlock_might_be_taken(state(_lock))
        };
    }
}

impl Tried for SpinLockIrqBackend {
    #[inline]
    fn might_be_taken<T: ?Sized>(_lock: &Lock<T, Self>) {
        #[cfg(CONFIG_LOCKDEP)]
        // SAFETY: As for the mutex.
        unsafe {
            ffi::baton_spinlock_irq_might_be_taken(state(_lock))
        };
    }
}
