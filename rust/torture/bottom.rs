// SPDX-License-Identifier: GPL-2.0

//! Soft interrupts, in which something is ended that was begun elsewhere. The library has no sink that does so.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)

use baton::MaySleep;
use core::ptr::NonNull;
use kernel::{
    bindings,
    error::to_result,
    ffi::{
        c_int,
        c_void, //
    },
    prelude::*, //
};

extern "C" {
    // `torture.h`
    fn baton_torture_bottom_new() -> *mut bindings::workqueue_struct;
    fn baton_torture_bottom(
        workqueue: *mut bindings::workqueue_struct,
        f: unsafe extern "C" fn(*mut c_void),
        data: *mut c_void,
    ) -> c_int;
}

/// What is done in a soft interrupt.
pub(crate) trait Ends: Send + 'static {
    fn end(self);
}

/// A workqueue whose worker is the soft interrupt (`WQ_BH`).
///
/// Dropping it waits until all was done.
///
/// # Invariants
///
/// It was made by `baton_torture_bottom_new()`, and is destroyed by `drop()` only.
pub(crate) struct Bottom(NonNull<bindings::workqueue_struct>);

// SAFETY: A workqueue is not tied to a task.
unsafe impl Send for Bottom {}

// SAFETY: Any task may queue work.
unsafe impl Sync for Bottom {}

impl Bottom {
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: It allocates, and so may its caller.
        let workqueue = unsafe { baton_torture_bottom_new() };
        // INVARIANT: It was made just now.
        NonNull::new(workqueue).map(Self).ok_or(ENOMEM)
    }

    /// Has `what` ended in a soft interrupt; it comes back if there is no memory.
    pub(crate) fn push<T: Ends>(&self, what: T) -> Result<(), T> {
        let Ok(place) = KBox::new_uninit(GFP_KERNEL) else {
            return Err(what);
        };
        let data = KBox::into_raw(KBox::write(place, what));
        // SAFETY: By the type invariants; the data is what the function is for, and is given to it.
        let queued = unsafe { baton_torture_bottom(self.0.as_ptr(), Self::run::<T>, data.cast()) };
        match to_result(queued) {
            Ok(()) => Ok(()),
            // SAFETY: It was not given to anybody.
            Err(_) => Err(KBox::into_inner(unsafe { KBox::from_raw(data) })),
        }
    }

    /// Waits until all was done that was pushed before.
    pub(crate) fn wait(&self, _cx: &mut MaySleep) {
        // SAFETY: By the type invariants; the caller may sleep, by its capability.
        unsafe { bindings::__flush_workqueue(self.0.as_ptr()) };
    }

    /// # Safety
    ///
    /// `data` must be that of a box of `T`, which nobody else has.
    unsafe extern "C" fn run<T: Ends>(data: *mut c_void) {
        // SAFETY: By the safety requirements.
        KBox::into_inner(unsafe { KBox::from_raw(data.cast::<T>()) }).end();
    }
}

impl Drop for Bottom {
    // SLEEPS: a row is dropped by who has loaded or unloads the module.
    fn drop(&mut self) {
        // SAFETY: By the type invariants; the caller may sleep.
        unsafe { bindings::destroy_workqueue(self.0.as_ptr()) };
    }
}
