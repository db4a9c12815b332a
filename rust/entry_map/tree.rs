// SPDX-License-Identifier: GPL-2.0

//! The tree of entries: an XArray, its lock, and what can be done under it.
//!
//! C header: [`include/linux/xarray.h`](srctree/include/linux/xarray.h)
//!
//! Nothing here depends on the type of the values, so that it is compiled once.

use super::{
    bucket::Table,
    protocol::{
        self,
        sleep_until_completed,
        Sleeper,
        Waiter,
        WAITING, //
    },
    state::{
        decide,
        Action,
        Change,
        End,
        Granule,
        Order,
        Raw,
        Seen, //
    },
    wait::{
        self,
        Grant,
        Key,
        Offer, //
    },
    xas::Xas,
    Mark,
    Marks,
    Memory, //
};
use crate::{
    event::{
        platform::{
            Kernel,
            KernelSleeper, //
        },
        WaitError, //
    },
    ffi, //
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
/// - The rule of [`wait`] holds while its lock is not held.
/// - `sleeping` is the number of waiters with a key of this map, and accessed under the lock only.
#[pin_data(PinnedDrop)]
pub(crate) struct Tree {
    #[pin]
    xa: Opaque<bindings::xarray>,
    sleeping: UnsafeCell<usize>,
    /// Whether getting memory may start I/O.
    io: bool,
    /// How many attempts to get memory fail from now on: for tests.
    #[cfg(CONFIG_KUNIT)]
    refuse: UnsafeCell<u32>,
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

    /// Returns the key on which tasks wait for the entry with this granule.
    #[inline]
    fn key(&self, granule: Granule) -> Key {
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

/// Where an operation looks.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// At the index and order of the position.
    Here,
    /// At the first entry from `first` to `last`, inclusive, that has the mark, if one is given.
    Next {
        first: usize,
        last: usize,
        mark: Option<Mark>,
    },
}

/// What was found, where, and how it is marked.
pub(super) struct Look {
    pub(super) seen: Seen,
    /// Of the entry, if there is one.
    pub(super) granule: Option<Granule>,
    pub(super) marks: Marks,
}

/// Why [`Locked::settle`] has not settled.
pub(super) struct NeedMemory;

/// A tree whose lock is held.
///
/// # Invariants
///
/// The lock of `tree` is held by this CPU, with interrupts off.
pub(super) struct Locked<'a> {
    tree: &'a Tree,
    flags: Option<usize>,
    _not_send: NotThreadSafe,
}

impl<'a> Locked<'a> {
    /// Returns whether this attempt to get memory shall fail.
    #[cfg(CONFIG_KUNIT)]
    pub(super) fn refuses(&mut self) -> bool {
        // SAFETY: The lock is held by the type invariants.
        let left = unsafe { &mut *self.tree.refuse.get() };
        let refuses = *left > 0;
        *left = left.saturating_sub(1);
        refuses
    }

    #[cfg(not(CONFIG_KUNIT))]
    #[inline]
    pub(super) fn refuses(&mut self) -> bool {
        false
    }

    /// Adds `delta` to the number of sleepers.
    fn count_sleepers(&mut self, delta: isize) {
        // SAFETY: The lock is held by the type invariants.
        let sleeping = unsafe { &mut *self.tree.sleeping.get() };
        *sleeping = sleeping.wrapping_add_signed(delta);
    }

    /// Returns the number of tasks that wait for entries of this map.
    pub(super) fn sleepers(&self) -> usize {
        // SAFETY: The lock is held by the type invariants.
        unsafe { *self.tree.sleeping.get() }
    }

    /// Returns the number of tasks that wait for the entry at the position.
    pub(super) fn waiters(&self, xas: &mut Xas) -> usize {
        match self.look(xas, Target::Here, None) {
            Look {
                seen: Seen::Busy(raw),
                granule: Some(granule),
                ..
            } => wait::count(&Table, &self.tree.key(granule), raw),
            _ => 0,
        }
    }

    /// Looks at what is there. `mine` is the granule of an entry that was handed over to this task.
    pub(super) fn look(&self, xas: &mut Xas, target: Target, mine: Option<Granule>) -> Look {
        let state = &raw mut xas.state;
        let found = match (target, mine) {
            (Target::Here, _) => {
                xas.reset();
                // SAFETY: The state is initialised; the lock is held by the type invariants.
                unsafe { bindings::xas_find_conflict(state) }
            }
            (Target::Next { .. }, Some(granule)) => {
                xas.seek(granule.base());
                // SAFETY: As above.
                unsafe { bindings::xas_load(state) }
            }
            (Target::Next { first, last, mark }, None) => {
                xas.seek(first);
                // SAFETY: As above.
                unsafe {
                    match mark {
                        Some(mark) => bindings::xas_find_marked(state, last, mark.raw()),
                        None => bindings::xas_find(state, last),
                    }
                }
            }
        };
        let raw = Xas::raw(found);
        let seen = Seen::new(raw, xas.order, mine.is_some());
        let index = match seen {
            // The entry is somewhere in the range of the position.
            //
            // SAFETY: As above.
            Seen::Conflict => unsafe { ffi::baton_xas_found_index(state) },
            _ => xas.state.xa_index,
        };
        let marks = match seen {
            Seen::Free(_) | Seen::Mine(_) => self.marks(xas),
            _ => Marks::NONE,
        };
        Look {
            seen,
            granule: raw.map(|raw| Granule::of(raw, index)),
            marks,
        }
    }

    /// Puts `raw` in the place of the entry at the position.
    #[inline]
    pub(super) fn replace(&mut self, xas: &mut Xas, raw: Raw) {
        // SAFETY: The state is at an entry: the callers have found one there under this lock, which
        // is held by the type invariants.
        unsafe { ffi::baton_xas_replace(&mut xas.state, Xas::entry(raw)) };
    }

    /// Does what was asked for to what was seen. The wake-up that goes with it is done here.
    ///
    /// Of a task that owned what it saw this takes the entry, unless the end is [`End::Locked`].
    ///
    /// # Errors
    ///
    /// [`NeedMemory`] if the tree has to grow and there is no memory. Nothing was done then, and what
    /// was seen was vacant, so that nothing was owned.
    pub(super) fn settle(
        &mut self,
        xas: &mut Xas,
        look: &Look,
        action: Action,
    ) -> Result<End, NeedMemory> {
        let (change, end) = decide(look.seen, action, xas.order);
        match (change, look.granule) {
            (Change::None, _) => (),
            (Change::Insert(raw), _) => self.insert(xas, raw)?,
            (Change::Replace(raw), _) => self.replace(xas, raw),
            (Change::Unlock(raw), Some(granule)) => self.unlock(xas, granule, raw),
            (Change::Remove, Some(granule)) => self.remove(xas, granule, look.seen),
            // Not reached: these changes are for entries that were found.
            (Change::Unlock(_) | Change::Remove, None) => (),
        }
        Ok(end)
    }

    fn insert(&mut self, xas: &mut Xas, raw: Raw) -> Result<(), NeedMemory> {
        if self.refuses() {
            // SAFETY: The state is initialised.
            unsafe { ffi::baton_xas_set_err(&mut xas.state, ENOMEM.to_errno()) };
            return Err(NeedMemory);
        }
        // SAFETY: The state is initialised, and the lock is held by the type invariants.
        //
        // INVARIANT: The order of the position is that of the entry.
        unsafe { bindings::xas_store(&mut xas.state, Xas::entry(raw)) };
        // SAFETY: The state is initialised. The only error there can be is `ENOMEM`.
        if unsafe { ffi::baton_xas_error(&xas.state) } != 0 {
            return Err(NeedMemory);
        }
        Ok(())
    }

    /// Unlocks the entry `raw` at the position.
    #[inline]
    pub(super) fn unlock(&mut self, xas: &mut Xas, granule: Granule, raw: Raw) {
        let (raw, granted) = wait::unlock(&Table, &self.tree.key(granule), raw);
        if granted != 0 {
            self.count_sleepers(-(granted as isize));
        }
        self.replace(xas, raw);
    }

    /// Removes the entry at the position.
    pub(super) fn remove(&mut self, xas: &mut Xas, granule: Granule, seen: Seen) {
        // SAFETY: The state is initialised, and the lock is held by the type invariants.
        unsafe { bindings::xas_store(&mut xas.state, ptr::null_mut()) };
        self.dissolve(granule, seen);
    }

    /// Lets all that wait for what was seen look again.
    pub(super) fn dissolve(&mut self, granule: Granule, seen: Seen) {
        if let Seen::Free(raw) | Seen::Mine(raw) | Seen::Busy(raw) = seen {
            let told = wait::dissolve(&Table, &self.tree.key(granule), raw);
            self.count_sleepers(-(told as isize));
        }
    }

    /// Waits for the entry `raw` at the position, which another task owns. Releases the lock.
    ///
    /// [`Grant::Owned`] is a debt: the next [`Locked::look`] must be given the granule, and be
    /// [settled](Locked::settle).
    ///
    /// # Errors
    ///
    /// Why the sleeper gave up. It owns nothing then: if it was granted the entry in the meantime,
    /// that is what it returns with.
    #[inline(never)]
    pub(super) fn wait(
        mut self,
        xas: &mut Xas,
        granule: Granule,
        raw: Raw,
        sleeper: &mut KernelSleeper,
    ) -> Result<Grant, WaitError> {
        let tree = self.tree;
        let key = tree.key(granule);
        let waiter = Waiter::<Offer, Key, Grant, Kernel>::new(Offer::claim, key);
        let entry = Waiter::entry(&raw const waiter);

        // SAFETY: `waiter` stays in this frame until it was granted something or withdrawn: the frame
        // is left only after its status was seen to be other than `WAITING`, or after `withdraw()`.
        let raw = unsafe { wait::join(&Table, &key, raw, entry) };
        self.replace(xas, raw);
        self.count_sleepers(1);
        sleeper.publish(); // A of the protocol
        drop(self);

        // SAFETY: This task has put the entry on the queue.
        if let Err(why) = unsafe { sleep_until_completed(entry, sleeper) } {
            let mut locked = tree.lock_irq();
            // SAFETY: As above.
            if unsafe { protocol::status(entry) } == WAITING {
                xas.seek(granule.base());
                // By the rule, an entry that is waited for is there; so there is no else.
                if let Some(raw) = locked.load(xas) {
                    // SAFETY: This task has joined with this key, and is waiting under the lock.
                    let raw = unsafe { wait::withdraw(&Table, &key, raw, entry) };
                    locked.replace(xas, raw);
                }
                locked.count_sleepers(-1);
                return Err(why);
            }
        }
        // SAFETY: The status was seen to be other than `WAITING`.
        match unsafe { waiter.take() } {
            Some(grant) => Ok(grant),
            // Not reached: the grant is stored before the status.
            None => Ok(Grant::LookAgain),
        }
    }

    /// Loads the entry at the index of the position.
    #[inline]
    pub(super) fn load(&self, xas: &mut Xas) -> Option<Raw> {
        xas.reset();
        // SAFETY: The state is initialised; the lock is held by the type invariants.
        Xas::raw(unsafe { bindings::xas_load(&mut xas.state) })
    }

    /// Returns the marks of the entry at the position.
    #[inline]
    pub(super) fn marks(&self, xas: &Xas) -> Marks {
        // SAFETY: The state is initialised; the lock is held by the type invariants.
        Marks(unsafe { ffi::baton_xas_marks(&xas.state) })
    }

    /// Splits the entry of `order` at the position into entries `raw` of the position's order, with
    /// the memory from [`Xas::alloc_split`].
    pub(super) fn split(&mut self, xas: &mut Xas, raw: Raw, order: Order) {
        // SAFETY: The state is initialised, has the memory, and the lock is held by the type
        // invariants.
        //
        // INVARIANT: `raw` says that it has the order of the position.
        unsafe { ffi::baton_xas_split(&mut xas.state, Xas::entry(raw), order.shift()) };
    }

    /// Sets or clears marks of the entry at the position.
    pub(super) fn mark(&mut self, xas: &Xas, marks: Marks, set: bool) {
        for mark in [Mark::Dirty, Mark::ToWrite] {
            if marks.has(mark) {
                // SAFETY: The state is initialised; the lock is held by the type invariants.
                unsafe {
                    if set {
                        bindings::xas_set_mark(&xas.state, mark.raw());
                    } else {
                        bindings::xas_clear_mark(&xas.state, mark.raw());
                    }
                }
            }
        }
    }
}

impl Drop for Locked<'_> {
    #[inline]
    fn drop(&mut self) {
        let xa = self.tree.xa.get();
        // SAFETY: By the type invariants the lock is held. It was taken by the function of the same
        // kind.
        unsafe {
            match self.flags {
                Some(flags) => ffi::baton_xa_unlock_irqrestore(xa, flags),
                None => ffi::baton_xa_unlock_irq(xa),
            }
        }
    }
}
