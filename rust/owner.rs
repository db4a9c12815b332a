// SPDX-License-Identifier: GPL-2.0

//! What runs code of a module later, by owner: threads, timers, work, shrinkers, disks.
//!
//! C header: [`include/linux/module.h`](srctree/include/linux/module.h)
//!
//! # The bug that this removes
//!
//! A thread, a timer or a registered callback runs code of the module that made it. C relies on the
//! module's exit to stop each of them. In safe Rust that is not enough: an object can be put in a
//! `static` or be forgotten, boxed and pinned as it may be, and then nobody stops it:
//!
//! ```text
//!   rmmod                                        thread
//!   1 module_exit(): drops what it knows
//!                                                2 sleeps: its handle was forgotten
//!   3 free_module()
//!                                                4 wakes up: instruction fetch from freed memory
//! ```
//!
//! So every such object is in a ledger here, from before it can run until it was torn down, and the
//! memory that it needs is on the heap and belongs to the ledger. There are three ways out:
//!
//! - It is torn down in order, by a method that consumes it and takes the capability to sleep.
//! - It is dropped. A destructor has no capability and may run in any context, so it only hands the
//!   object to a worker, the *reaper*, which tears it down and says so in the log, by name.
//! - Its module goes, by `rmmod` or because its init failed. At `MODULE_STATE_GOING`, after the exit of
//!   the module has run and before its memory is freed, everything that is left is torn down and named,
//!   and the unload waits for it.
//!
//! What does not end is named every ten seconds, with where it sleeps.
//!
//! Which module an object belongs to is decided when a module goes: the one whose memory has the code
//! that the object runs, or the place where it was made.
//!
//! # How an object joins
//!
//! The part of it that runs, a core, implements `Teardown`, and the handle has an `Owned` of it:
//!
//! ```text
//! struct Core { timer: Opaque<bindings::hrtimer>, closed: .., queue: .. }
//!
//! impl Teardown for Core {
//!     const KIND: &'static str = "timer sink";
//!     const IN_ORDER: &'static str = "close(cx)";
//!     // From here on what is asked of the core is refused, nothing of it runs, and what it had
//!     // of its user is dropped: a handle in a `static` may still be used by a thread of the same
//!     // module.
//!     fn tear_down(&self) { .. hrtimer_cancel(..); self.queue.close(); }
//!     // Whether the caller is what `tear_down()` would wait for.
//!     fn is_current(&self) -> bool { .. }
//!     fn report(&self) { .. }
//! }
//!
//! pub struct TimerSink { core: Owned<Core> }      // `Deref<Target = Core>`; no `Drop` of its own
//!
//! let core = Owned::new(name, code, Location::caller(), init)?;   // before it can run
//!
//! pub fn close(self, cx: &mut MaySleep) -> Result<(), TeardownError<Self>> {
//!     self.core.tear_down().map_err(|refused| refused.map(|core| Self { core }))
//! }
//! ```
//!
//! `code` is the address of the callback, `Self::expired as *const ()` for example.

mod ledger;
mod node;

use crate::ffi;
use core::{
    fmt,
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::Deref,
    panic::Location,
    ptr::NonNull, //
};
use kernel::{
    error::to_result,
    prelude::*,
    sync::atomic::Relaxed, //
};
use node::{
    Node,
    Object,
    Vtable, //
};

/// An object that was not torn down, and why.
///
/// Dropping it drops the object.
///
/// `mem::forget` leaves the object as `mem::forget` of the object itself does.
pub struct TeardownError<T> {
    /// What was to be torn down.
    pub object: T,
    /// `EDEADLK` if the caller would wait for itself.
    pub error: Error,
}

impl<T> TeardownError<T> {
    /// Puts the object into what it is part of.
    pub(crate) fn map<U>(self, whole: impl FnOnce(T) -> U) -> TeardownError<U> {
        TeardownError {
            object: whole(self.object),
            error: self.error,
        }
    }
}

impl<T> fmt::Debug for TeardownError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<T> From<TeardownError<T>> for Error {
    fn from(refused: TeardownError<T>) -> Self {
        refused.error
    }
}

/// Returns how many objects were dropped without having been torn down, since the library was loaded.
///
/// Context: any.
#[inline(never)]
pub fn dropped() -> usize {
    ledger::DROPPED.load(Relaxed)
}

/// Returns how many of [`dropped`] have been torn down by the reaper.
///
/// Context: any.
#[inline(never)]
pub fn reaped() -> usize {
    ledger::REAPED.load(Relaxed)
}

/// The reaper, as long as the library is loaded.
pub(crate) struct Reaper(());

impl Reaper {
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: Called once, when the library is loaded; `drop()` undoes it.
        to_result(unsafe { ffi::baton_owner_init() })?;
        Ok(Self(()))
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        // SAFETY: The modules that use the library are gone, and so is what they had in the ledger.
        unsafe { ffi::baton_owner_exit() };
    }
}

/// What runs later, and how it is ended.
pub(crate) trait Teardown: Send + Sync + 'static {
    /// What it is called in the log.
    const KIND: &'static str;

    /// How it is torn down in order, for the log.
    const IN_ORDER: &'static str;

    /// Whether dropping it is in order too, and not worth a line in the log.
    const MAY_BE_DROPPED: bool = false;

    /// Ends it, waits until nothing of it runs, and drops what it has of its user.
    ///
    /// Called once by the ledger. `self` is dropped afterwards, not always at once: what is asked of it meanwhile has
    /// to be refused. Dropping `self` must not run code of a user: other objects may be gone then.
    ///
    /// Context: may sleep; never called by what it waits for.
    fn tear_down(&self);

    /// Returns whether the caller is what [`Teardown::tear_down`] would wait for.
    fn is_current(&self) -> bool;

    /// Returns whether its user has torn it down already, by reference.
    ///
    /// Then dropping it is in order as well, and nothing is said in the log.
    fn is_down(&self) -> bool {
        false
    }

    /// Says in the log what is still going on.
    ///
    /// Context: a mutex is held.
    fn report(&self) {}
}

/// A core that the ledger knows.
///
/// Dropping it hands it to the reaper, in any context. `mem::forget` leaves it to the end of its module.
///
/// # Invariants
///
/// `object` is in the ledger. Nobody else frees it, but for the end of its module, when no code of the
/// module runs that could use `self`.
pub(crate) struct Owned<T: Teardown> {
    object: NonNull<Object<T>>,
    // A handle may be moved, whatever is in the core.
    _owns: PhantomData<KBox<T>>,
}

// SAFETY: `T` is `Send` and `Sync`, and the node is synchronised by the ledger.
unsafe impl<T: Teardown> Send for Owned<T> {}

// SAFETY: As above; a shared reference gives access to `&T` only.
unsafe impl<T: Teardown> Sync for Owned<T> {}

impl<T: Teardown> Owned<T> {
    const VTABLE: Vtable = Vtable {
        kind: T::KIND,
        in_order: T::IN_ORDER,
        may_be_dropped: T::MAY_BE_DROPPED,
        tear_down: Self::raw_tear_down,
        is_down: Self::raw_is_down,
        report: Self::raw_report,
        drop: Self::raw_drop,
    };

    /// Makes a core and enters it into the ledger, before it runs.
    ///
    /// `code` is the address of the code that it is going to run.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, and those of `init`; `ESHUTDOWN` if the module goes.
    pub(crate) fn new(
        name: &CStr,
        code: *const (),
        place: &'static Location<'static>,
        init: impl PinInit<T, Error>,
    ) -> Result<Self> {
        let node = Node::new(&Self::VTABLE, name, code, place, ledger::reap);
        let object = KBox::pin_init(Object::new(node, init), GFP_KERNEL)?;
        // SAFETY: The object stays where it is until it is freed.
        let object = KBox::into_raw(unsafe { Pin::into_inner_unchecked(object) });
        // SAFETY: The object was just made by a `KBox`, and what is in the table fits it.
        if let Err(error) = unsafe { ledger::add(object.cast()) } {
            // SAFETY: Nobody else has it; it was pinned, and is not moved.
            drop(unsafe { Pin::new_unchecked(KBox::from_raw(object)) });
            return Err(error);
        }
        // INVARIANT: It is in the ledger.
        Ok(Self {
            // SAFETY: A box is not null.
            object: unsafe { NonNull::new_unchecked(object) },
            _owns: PhantomData,
        })
    }

    /// Tears it down in order, and frees it.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// `EDEADLK` if the caller would wait for itself.
    pub(crate) fn tear_down(self) -> Result<(), TeardownError<Self>> {
        if self.is_current() {
            return Err(TeardownError {
                object: self,
                error: EDEADLK,
            });
        }
        let this = ManuallyDrop::new(self);
        // SAFETY: By the type invariants; the object is not used afterwards.
        unsafe { ledger::close(this.object.as_ptr().cast()) };
        Ok(())
    }

    /// # Safety
    ///
    /// `node` must be that of an `Object<T>` whose value was not dropped.
    unsafe fn raw_tear_down(node: *const Node) {
        // SAFETY: By the safety requirements.
        unsafe { Object::<T>::value(node) }.tear_down();
    }

    /// # Safety
    ///
    /// As for [`Self::raw_tear_down`].
    unsafe fn raw_is_down(node: *const Node) -> bool {
        // SAFETY: By the safety requirements.
        unsafe { Object::<T>::value(node) }.is_down()
    }

    /// # Safety
    ///
    /// As for [`Self::raw_tear_down`].
    unsafe fn raw_report(node: *const Node) {
        // SAFETY: By the safety requirements.
        unsafe { Object::<T>::value(node) }.report();
    }

    /// # Safety
    ///
    /// As for [`Self::raw_tear_down`]; the value must not be used afterwards.
    unsafe fn raw_drop(node: *const Node) {
        // SAFETY: By the safety requirements.
        unsafe {
            core::ptr::drop_in_place(core::ptr::from_ref(Object::<T>::value(node)).cast_mut())
        };
    }
}

impl<T: Teardown> Deref for Owned<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: By the type invariants it is valid, and the value is only shared.
        unsafe { Object::<T>::value(self.object.as_ptr().cast()) }
    }
}

impl<T: Teardown> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants; the object is not used afterwards.
        unsafe { ledger::abandon(self.object.as_ptr().cast()) };
    }
}
