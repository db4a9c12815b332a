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
    sync::LockClassKey,
    types::NotThreadSafe, //
};

/// What lockdep knows about one kind of wait; nothing at all without `CONFIG_LOCKDEP`.
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
    #[inline]
    pub fn wait(&self) {
        #[cfg(CONFIG_LOCKDEP)]
        // SAFETY: The map was initialised by `new()`.
        unsafe {
            ffi::baton_wait_map_acquire(self.map.get())
        };
    }

    /// What the caller begins here makes waits longer, and may end in any other context.
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
}

/// A section of code that has to be left before the waits of a [`WaitMap`] can end.
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
