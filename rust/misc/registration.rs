// SPDX-License-Identifier: GPL-2.0

//! What the ledger and the kernel know of a misc device.

use super::operations::Operations;
use crate::owner::Teardown;
use core::cell::UnsafeCell;
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc, //
    },
    task::Task,
    types::Opaque, //
};

/// What is registered.
///
/// # Invariants
///
/// - `misc` is registered exactly while `registered` is set.
/// - `data` is there while `misc` is registered. Only who opens it looks at it then, under the lock of the misc
///   devices, and nobody else does.
#[pin_data]
pub(super) struct Core<T: Operations> {
    #[pin]
    pub(super) misc: Opaque<bindings::miscdevice>,
    data: UnsafeCell<Option<Arc<T::Data>>>,
    registered: Atomic<bool>,
    /// The task that opens it at this moment; only one does.
    opener: Atomic<usize>,
}

// SAFETY: A misc device may be registered and deregistered by any task; the data is `Send` and `Sync`.
unsafe impl<T: Operations> Send for Core<T> {}

// SAFETY: As above; what is shared of it is atomic, or accessed as the type invariants say.
unsafe impl<T: Operations> Sync for Core<T> {}

impl<T: Operations> Core<T> {
    pub(super) fn new(
        name: &'static CStr,
        fops: &'static bindings::file_operations,
        data: Arc<T::Data>,
    ) -> impl PinInit<Self, Error> {
        let misc = bindings::miscdevice {
            // CAST: 255.
            minor: bindings::MISC_DYNAMIC_MINOR as c_int,
            name: name.as_char_ptr(),
            fops,
            ..pin_init::zeroed()
        };
        // INVARIANT: It is not registered.
        try_pin_init!(Self {
            misc: Opaque::new(misc),
            data: UnsafeCell::new(Some(data)),
            registered: Atomic::new(false),
            opener: Atomic::new(0),
        }? Error)
    }

    /// Makes it visible. Called once, before the end can begin.
    pub(super) fn register(&self) -> Result {
        // SAFETY: It is pinned, set up, and deregistered before it goes.
        to_result(unsafe { bindings::misc_register(self.misc.get()) })?;
        // INVARIANT: It is registered.
        self.registered.store(true, Relaxed);
        Ok(())
    }

    /// Calls `open` with the data.
    ///
    /// # Safety
    ///
    /// The caller must have been called to open the device, with the lock of the misc devices held.
    pub(super) unsafe fn opening<R>(
        &self,
        open: impl FnOnce(&Arc<T::Data>) -> Result<R>,
    ) -> Result<R> {
        self.opener.store(Task::current_raw().addr(), Relaxed);
        // SAFETY: By the safety requirements it is registered, so that the data is there and nobody takes it.
        let data = unsafe { &*self.data.get() };
        let opened = data.as_ref().ok_or(ENODEV).and_then(open);
        self.opener.store(0, Relaxed);
        opened
    }
}

impl<T: Operations> Teardown for Core<T> {
    const KIND: &'static str = "misc device";
    const IN_ORDER: &'static str = "`deregister(cx)`";
    const MAY_BE_DROPPED: bool = true;

    fn tear_down(&self) {
        if self.registered.xchg(false, Full) {
            // SAFETY: By the type invariants. Nobody opens it when this has returned: that is done under the
            // lock that this takes.
            unsafe { bindings::misc_deregister(self.misc.get()) };
        }
        // SAFETY: By the type invariants: it is not registered. This is called once.
        drop(unsafe { (*self.data.get()).take() });
    }

    fn is_current(&self) -> bool {
        self.opener.load(Relaxed) == Task::current_raw().addr()
    }
}
