// SPDX-License-Identifier: GPL-2.0

//! The tree of entries: an XArray and its lock.
//!
//! C header: [`include/linux/xarray.h`](srctree/include/linux/xarray.h)
//!
//! Nothing here depends on the type of the values, so that it is compiled once.

use super::{
    locked::{
        Locked,
        Look,
        Target, //
    },
    slot::Marks,
    state::{
        Granule,
        Raw, //
    },
    wait::Key,
    xas::Xas,
    Memory, //
};
use crate::{
    ffi,
    registry::{
        Kind,
        Label,
        Object, //
    },
};
use core::{
    cell::UnsafeCell,
    ptr, //
};
use kernel::{
    bindings,
    prelude::*,
    str::CStr,
    sync::LockClassKey,
    types::{
        NotThreadSafe,
        Opaque, //
    },
};

/// The tree of one map.
///
/// # Invariants
///
/// - `xa` is an initialised XArray with an irq-safe lock. All its entries are value entries, each of
///   which holds a [`Raw`], and whose order in the tree is [`Raw::order`].
/// - The rule of [`wait`](super::wait) holds while its lock is not held.
/// - `sleeping` is the number of waiters with a key of this map, and accessed under the lock only.
#[pin_data(PinnedDrop)]
pub(crate) struct Tree {
    #[pin]
    xa: Opaque<bindings::xarray>,
    pub(super) sleeping: UnsafeCell<usize>,
    name: &'static CStr,
    /// Whether getting memory may start I/O.
    io: bool,
    /// How many attempts to get memory fail from now on: for tests.
    #[cfg(CONFIG_KUNIT)]
    pub(super) refuse: UnsafeCell<u32>,
}

// SAFETY: Nothing in a tree belongs to a particular task.
unsafe impl Send for Tree {}

// SAFETY: Everything is accessed under the lock only.
unsafe impl Sync for Tree {}

impl Tree {
    pub(super) fn new(
        memory: Memory,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            // SAFETY: `xa` is valid for writes; the class and its name are static.
            //
            // INVARIANT: The XArray is initialised, and empty. Nobody waits.
            xa <- Opaque::ffi_init(|xa| unsafe {
                ffi::baton_xa_init(xa, name.as_char_ptr(), key.as_ptr())
            }),
            sleeping: UnsafeCell::new(0),
            name,
            io: matches!(memory, Memory::Any),
            #[cfg(CONFIG_KUNIT)]
            refuse: UnsafeCell::new(0),
        })
    }

    /// Returns the XArray.
    #[inline]
    pub(super) fn xarray(&self) -> *mut bindings::xarray {
        self.xa.get()
    }

    /// Returns what waits for entries are called.
    pub(super) fn label(&self) -> Label {
        Label {
            kind: Kind::Entry,
            name: self.name,
        }
    }

    /// Returns what the registry knows an entry by.
    #[inline]
    pub(super) fn object(&self, granule: Granule) -> Object {
        let (address, granule) = self.key(granule).parts();
        let part = granule.base();
        Object { address, part }
    }

    /// Returns whether getting memory may start I/O.
    pub(super) fn may_do_io(&self) -> bool {
        self.io
    }

    /// Takes the lock, in a context that may sleep.
    #[inline]
    pub(super) fn lock_irq(&self) -> Locked<'_> {
        // SAFETY: `xa` is valid by the type invariants.
        unsafe { ffi::baton_xa_lock_irq(self.xa.get()) };
        // INVARIANT: The lock was just taken.
        Locked {
            tree: self,
            flags: None,
            _not_send: NotThreadSafe,
        }
    }

    /// Takes the lock, in any context.
    #[inline]
    pub(super) fn lock_irqsave(&self) -> Locked<'_> {
        // SAFETY: `xa` is valid by the type invariants.
        let flags = unsafe { ffi::baton_xa_lock_irqsave(self.xa.get()) };
        // INVARIANT: The lock was just taken.
        Locked {
            tree: self,
            flags: Some(flags),
            _not_send: NotThreadSafe,
        }
    }

    /// Takes the lock and looks at what is at the position. With `may_sleep` in a context that may.
    #[inline]
    pub(super) fn begin(&self, xas: &mut Xas, may_sleep: bool) -> (Locked<'_>, Look) {
        let (state, mut marks, mut flags) = (&raw mut xas.state, 0, 0);
        xas.reset();
        // SAFETY: The state is initialised, and that of this tree.
        let found = unsafe {
            if may_sleep {
                ffi::baton_xas_begin_irq(state, &mut marks)
            } else {
                ffi::baton_xas_begin_irqsave(state, &mut marks, &mut flags)
            }
        };
        // INVARIANT: The lock was just taken.
        let locked = Locked {
            tree: self,
            flags: (!may_sleep).then_some(flags),
            _not_send: NotThreadSafe,
        };
        let look = locked.found(xas, Xas::raw(found), false, Marks(marks));
        (locked, look)
    }

    /// Takes the lock and looks: see [`Locked::look`].
    pub(super) fn look(
        &self,
        xas: &mut Xas,
        target: Target,
        mine: Option<Granule>,
        may_sleep: bool,
    ) -> (Locked<'_>, Look) {
        let locked = if may_sleep {
            self.lock_irq()
        } else {
            self.lock_irqsave()
        };
        let look = locked.look(xas, target, mine);
        (locked, look)
    }

    /// Takes the lock and loads the entry at the position, in any context.
    #[inline]
    pub(super) fn begin_load(&self, xas: &mut Xas) -> (Locked<'_>, Option<Raw>) {
        let mut flags = 0;
        xas.reset();
        // SAFETY: The state is initialised, and that of this tree.
        let found = unsafe { ffi::baton_xas_load_irqsave(&mut xas.state, &mut flags) };
        // INVARIANT: The lock was just taken.
        let locked = Locked {
            tree: self,
            flags: Some(flags),
            _not_send: NotThreadSafe,
        };
        (locked, Xas::raw(found))
    }

    /// Returns the key on which tasks wait for the entry with this granule.
    #[inline]
    pub(super) fn key(&self, granule: Granule) -> Key {
        Key::new(ptr::from_ref(self).addr(), granule)
    }

    /// Lets the next `attempts` to get memory for this map fail.
    #[cfg(CONFIG_KUNIT)]
    pub(super) fn refuse_memory(&self, attempts: u32) {
        let _locked = self.lock_irqsave();
        // SAFETY: The lock is held.
        unsafe { *self.refuse.get() = attempts };
    }

    /// Removes every entry, and calls `f` for each.
    ///
    /// Nobody else can reach the tree. So nobody waits, and an entry is locked only if its guard was
    /// forgotten.
    pub(super) fn clear(self: Pin<&mut Self>, mut f: impl FnMut(Granule, Raw)) {
        let xa = self.xa.get();
        let mut index = 0;
        let mut forgotten = 0usize;
        let (max, any) = (usize::MAX, bindings::XA_PRESENT);

        // SAFETY: `xa` is valid by the type invariants.
        let mut found = unsafe { bindings::xa_find(xa, &mut index, max, any) };
        while let Some(raw) = Xas::raw(found) {
            forgotten += usize::from(raw.is_locked());
            f(Granule::of(raw, index), raw);
            // SAFETY: As above.
            found = unsafe { bindings::xa_find_after(xa, &mut index, max, any) };
        }
        // SAFETY: As above. An XArray that was destroyed is empty and can be used again.
        unsafe { bindings::xa_destroy(xa) };

        if forgotten != 0 {
            kernel::pr_warn_once!(
                "entry map torn down with {forgotten} locked entries: guards forgotten\n"
            );
        }
    }
}

#[pinned_drop]
impl PinnedDrop for Tree {
    fn drop(self: Pin<&mut Self>) {
        self.clear(|_, _| ());
    }
}
