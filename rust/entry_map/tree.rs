// SPDX-License-Identifier: GPL-2.0

//! The tree of entries: an XArray and its lock.
//!
//! C header: [`include/linux/xarray.h`](srctree/include/linux/xarray.h)
//!
//! Nothing here depends on the type of the values, so that it is compiled once.

use super::{
    state::{
        Granule,
        Raw, //
    },
    wait::Key, //
};
use crate::{
    ffi,
    level::Class,
    registry::{
        self,
        Kind,
        Label,
        Object, //
    },
    wait_map::WaitMap, //
};
use core::ptr;
use kernel::{
    bindings,
    ffi::c_void,
    prelude::*,
    str::CStr,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    task::Task,
    types::Opaque, //
};

/// How a map gets the memory for its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// In any way (`GFP_KERNEL`).
    Any,
    /// Without starting I/O (`GFP_NOIO`): for maps that I/O depends on.
    NoIo,
}

/// Returns the entry that is stored as `ptr`, if one is.
#[inline]
pub(super) fn loaded(ptr: *mut c_void) -> Option<Raw> {
    // As `xa_to_value()`. Under the lock there are no retry entries, and by the invariants of the
    // tree all others are values.
    (!ptr.is_null()).then(|| Raw::from_bits(ptr.addr() as u64 >> 1))
}

/// Returns how an entry is stored.
#[inline]
pub(super) fn stored(raw: Raw) -> *mut c_void {
    // As `xa_mk_value()`: the topmost bit of `raw` is clear.
    ptr::without_provenance_mut((raw.bits() as usize) << 1 | 1)
}

/// The tree of one map.
///
/// # Invariants
///
/// - `xa` is an initialised XArray with an irq-safe lock. All its entries are value entries, each of
///   which holds a [`Raw`], and whose order in the tree is [`Raw::order`].
/// - The rule of [`wait`](super::wait) holds while its lock is not held.
/// - `sleeping` is the number of waiters with a key of this map, and changed under the lock only.
/// - `inside` is the task that runs code of the user's with the lock held, or 0. It is changed under
///   the lock only, and by that task.
#[pin_data(PinnedDrop)]
pub(crate) struct Tree {
    #[pin]
    xa: Opaque<bindings::xarray>,
    sleeping: Atomic<usize>,
    inside: Atomic<usize>,
    /// Whether that task has changed the tree meanwhile.
    disturbed: Atomic<bool>,
    name: &'static CStr,
    /// Whether getting memory may start I/O.
    io: bool,
    /// To lockdep, an entry in hand is held, and a wait for one takes it.
    #[pin]
    pub(super) map: WaitMap,
    /// How many attempts to get memory fail from now on: for tests.
    #[cfg(CONFIG_KUNIT)]
    refuse: Atomic<u32>,
}

// SAFETY: Nothing in a tree belongs to a particular task.
unsafe impl Send for Tree {}

// SAFETY: The XArray is accessed under its lock only, and the rest is atomic.
unsafe impl Sync for Tree {}

impl Tree {
    pub(super) fn new(
        memory: Memory,
        (name, lock): Class,
        (entries, entry): Class,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            // SAFETY: `xa` is valid for writes; the class and its name are static.
            //
            // INVARIANT: The XArray is initialised, and empty. Nobody waits.
            xa <- Opaque::ffi_init(|xa| unsafe {
                ffi::baton_xa_init(xa, name.as_char_ptr(), lock.as_ptr())
            }),
            sleeping: Atomic::new(0),
            inside: Atomic::new(0),
            disturbed: Atomic::new(false),
            name,
            io: matches!(memory, Memory::Any),
            map <- WaitMap::new(entries, entry),
            #[cfg(CONFIG_KUNIT)]
            refuse: Atomic::new(0),
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

    /// Runs `f`, which gets memory as this map may.
    pub(super) fn with_memory<R>(&self, f: impl FnOnce() -> R) -> R {
        if self.io {
            return f();
        }
        // SAFETY: Restored below, in this task.
        let flags = unsafe { ffi::baton_blk_noio_save() };
        let result = f();
        // SAFETY: Saved above, in this task.
        unsafe { ffi::baton_blk_noio_restore(flags) };
        result
    }

    /// Returns the number of tasks that wait for entries of this map.
    #[inline]
    pub(super) fn sleepers(&self) -> usize {
        self.sleeping.load(Relaxed)
    }

    /// Counts a task that goes to sleep. The lock is held.
    #[inline]
    pub(super) fn goes_to_sleep(&self) {
        self.sleeping
            .store(self.sleepers().wrapping_add(1), Relaxed);
    }

    /// Counts tasks that do not sleep any more. The lock is held.
    #[inline]
    pub(super) fn have_slept(&self, count: usize) {
        self.sleeping
            .store(self.sleepers().wrapping_sub(count), Relaxed);
    }

    /// Runs code of the user's with the lock held, which the caller does.
    ///
    /// Such code can come back to this map: through a static, a leaked reference, an `Arc`. It would
    /// wait for itself. So it is noted who is in there:
    ///
    /// ```text
    ///   1 takes the lock, interrupts off       inside = 0
    ///   2 calls the user                       inside = this task
    ///   3 the user calls `try_at()`            inside is this task: `EDEADLK`
    ///   4 the user returns                     inside = 0
    ///   5 releases the lock
    /// ```
    ///
    /// All of it is one task's program order, with interrupts off, so that nothing has to be ordered.
    /// Another task finds in 3 that `inside` is somebody else, or nobody, and waits for 5.
    #[inline]
    pub(super) fn call<R>(&self, user: impl FnOnce() -> R) -> R {
        // INVARIANT: The lock is held, and the user runs.
        self.inside.store(current(), Relaxed);
        let result = user();
        // INVARIANT: The user has returned.
        self.inside.store(0, Relaxed);
        result
    }

    /// Returns whether the caller was called by this map with the lock held.
    #[inline]
    pub(super) fn is_inside(&self) -> bool {
        let inside = self.inside.load(Relaxed);
        inside != 0 && inside == current()
    }

    /// The task that is inside has changed the tree.
    pub(super) fn disturb(&self) {
        self.disturbed.store(true, Relaxed);
    }

    /// Returns whether the tree was changed from inside. The lock is held, and has been since.
    #[inline]
    pub(super) fn was_disturbed(&self) -> bool {
        let disturbed = self.disturbed.load(Relaxed);
        if disturbed {
            self.disturbed.store(false, Relaxed);
        }
        disturbed
    }

    /// Returns the key on which tasks wait for the entry with this granule.
    #[inline]
    pub(super) fn key(&self, granule: Granule) -> Key {
        Key::new(ptr::from_ref(self).addr(), granule)
    }

    /// Returns the bucket of a small entry at `index`, whether there is one or not.
    #[cfg(CONFIG_KUNIT)]
    pub(super) fn bucket(&self, index: usize) -> Option<usize> {
        use super::{
            bucket,
            state::{
                Content,
                Order, //
            }, //
        };

        let nothing = Content {
            value: 0,
            zero: false,
        };
        let small = Raw::new(nothing, Order::Pte)?;
        Some(bucket::number(&self.key(Granule::of(small, index))))
    }

    /// Lets the next `attempts` to get memory for this map fail.
    #[cfg(CONFIG_KUNIT)]
    pub(super) fn refuse_memory(&self, attempts: u32) {
        self.refuse.store(attempts, Relaxed);
    }

    /// Returns whether this attempt to get memory shall fail.
    #[cfg(CONFIG_KUNIT)]
    pub(super) fn refuses(&self) -> bool {
        let left = self.refuse.load(Relaxed);
        self.refuse.store(left.saturating_sub(1), Relaxed);
        left > 0
    }

    #[cfg(not(CONFIG_KUNIT))]
    #[inline]
    pub(super) fn refuses(&self) -> bool {
        false
    }

    /// Removes every entry, and calls `f` for each.
    ///
    /// Nobody else can reach the tree. So nobody waits, and an entry is locked only if its guard was
    /// forgotten: returns how many are.
    pub(super) fn clear(self: Pin<&mut Self>, mut f: impl FnMut(Granule, Raw)) -> usize {
        let xa = self.xa.get();
        let mut index = 0;
        let (mut forgotten, mut first) = (0usize, 0);
        let (max, any) = (usize::MAX, bindings::XA_PRESENT);

        // SAFETY: `xa` is valid by the type invariants.
        let mut found = unsafe { bindings::xa_find(xa, &mut index, max, any) };
        while let Some(raw) = loaded(found) {
            if raw.is_locked() {
                if forgotten == 0 {
                    first = index;
                }
                forgotten += 1;
                registry::gone(self.object(Granule::of(raw, index)));
            }
            f(Granule::of(raw, index), raw);
            // SAFETY: As above.
            found = unsafe { bindings::xa_find_after(xa, &mut index, max, any) };
        }
        // SAFETY: As above. An XArray that was destroyed is empty and can be used again.
        unsafe { bindings::xa_destroy(xa) };

        if forgotten != 0 {
            kernel::pr_warn!(
                "entry map {}: {} entries are locked and their guards forgotten, the first at {}\n",
                self.name.to_str().unwrap_or("?"),
                forgotten,
                first
            );
        }
        forgotten
    }
}

fn current() -> usize {
    Task::current_raw() as usize
}

#[pinned_drop]
impl PinnedDrop for Tree {
    fn drop(self: Pin<&mut Self>) {
        self.clear(|_, _| ());
    }
}
