// SPDX-License-Identifier: GPL-2.0

//! The tree under its lock: looking, and doing what was decided.
//!
//! C header: [`include/linux/xarray.h`](srctree/include/linux/xarray.h)

use super::{
    bucket::Table,
    state::{
        decide,
        Access,
        Action,
        Change,
        End,
        Granule,
        Order,
        Raw,
        Seen, //
    },
    tree::{
        loaded,
        stored,
        Tree, //
    },
    value::{
        Mark,
        Marks, //
    },
    wait,
    word::seize,
    xas::Xas, //
};
use crate::ffi;
use core::{
    mem::{
        self,
        ManuallyDrop, //
    },
    ptr, //
};
use kernel::{
    bindings,
    prelude::*,
    types::NotThreadSafe, //
};

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
    pub(super) tree: &'a Tree,
    /// What the interrupts were before, unless they were on.
    flags: Option<usize>,
    _not_send: NotThreadSafe,
}

impl Tree {
    /// Takes the lock, in a context that may sleep.
    #[inline]
    pub(super) fn lock_irq(&self) -> Locked<'_> {
        // SAFETY: `xa` is valid by the type invariants.
        unsafe { ffi::baton_xa_lock_irq(self.xarray()) };
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
        let flags = unsafe { ffi::baton_xa_lock_irqsave(self.xarray()) };
        // INVARIANT: The lock was just taken.
        Locked {
            tree: self,
            flags: Some(flags),
            _not_send: NotThreadSafe,
        }
    }

    /// Returns the lock that the caller holds already, because it is [inside](Tree::is_inside).
    ///
    /// What was seen before it was called is to be looked at again.
    pub(super) fn lock_inside(&self) -> Option<ManuallyDrop<Locked<'_>>> {
        if !self.is_inside() {
            return None;
        }
        self.disturb();
        // INVARIANT: This task holds the lock, and keeps it until the code that calls this has
        // returned; it is not dropped here.
        Some(ManuallyDrop::new(Locked {
            tree: self,
            flags: None,
            _not_send: NotThreadSafe,
        }))
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
        let look = locked.found(xas, loaded(found), false, Marks(marks));
        let look = locked
            .seized(xas, look)
            .unwrap_or_else(|_| locked.seize(xas, Target::Here, None));
        (locked, look)
    }

    /// Takes the lock, looks, and seizes what is free: see [`Locked::seize`].
    pub(super) fn seize(
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
        let look = locked.seize(xas, target, mine);
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
        (locked, loaded(found))
    }
}

/// Somebody has taken an entry that was free without the tree lock.
struct Taken;

impl<'a> Locked<'a> {
    /// Looks at what is there, and takes it if it is free: it is this task's then.
    pub(super) fn seize(&self, xas: &mut Xas, target: Target, mine: Option<Granule>) -> Look {
        loop {
            let look = self.look(xas, target, mine);
            if let Ok(look) = self.seized(xas, look) {
                return look;
            }
        }
    }

    /// Takes what was seen at the position, if it was free.
    #[inline]
    fn seized(&self, xas: &Xas, look: Look) -> Result<Look, Taken> {
        if !matches!(look.seen, Seen::Free(_)) {
            return Ok(look);
        }
        let seen = Seen::Mine(seize(&xas.word(), Access::Exclusive).ok_or(Taken)?);
        Ok(Look { seen, ..look })
    }

    /// Looks at what is there. `mine` is the granule of an entry of this task.
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
        let raw = loaded(found);
        let marks = match raw {
            Some(_) => self.marks(xas),
            None => Marks::NONE,
        };
        self.found(xas, raw, mine.is_some(), marks)
    }

    /// Tells what was found at the position.
    #[inline]
    pub(super) fn found(&self, xas: &Xas, raw: Option<Raw>, mine: bool, marks: Marks) -> Look {
        let seen = Seen::new(raw, xas.order, mine);
        let index = match seen {
            // The entry is somewhere in the range of the position.
            //
            // SAFETY: The state is initialised; the lock is held by the type invariants.
            Seen::Conflict => unsafe { ffi::baton_xas_found_index(&xas.state) },
            _ => xas.state.xa_index,
        };
        Look {
            seen,
            granule: raw.map(|raw| Granule::of(raw, index)),
            marks,
        }
    }

    /// Puts `raw` in the place of the entry at the position, and releases the lock.
    #[inline]
    pub(super) fn commit(self, xas: &mut Xas, raw: Raw) {
        let (state, entry, flags) = (&raw mut xas.state, stored(raw), self.flags);
        // The lock is released below.
        mem::forget(self);
        // SAFETY: As for `replace()`. The lock is held by the type invariants, and was taken by the
        // function of the same kind.
        unsafe {
            match flags {
                Some(flags) => ffi::baton_xas_commit_irqrestore(state, entry, flags),
                None => ffi::baton_xas_commit_irq(state, entry),
            }
        }
    }

    /// Puts `raw` in the place of the entry at the position.
    #[inline]
    pub(super) fn replace(&mut self, xas: &mut Xas, raw: Raw) {
        // SAFETY: The state is at an entry: the callers have found one there under this lock, which
        // is held by the type invariants. It has an owner, on whose behalf they store.
        unsafe { ffi::baton_xas_replace(&mut xas.state, stored(raw)) };
    }

    /// Does what was asked for to what was seen, and releases the lock. The wake-up that goes with it
    /// is done here.
    ///
    /// Of a task that owned what it saw this takes the entry, unless the end is [`End::Locked`].
    ///
    /// # Errors
    ///
    /// [`NeedMemory`] if the tree has to grow and there is no memory. Nothing was done then, and what
    /// was seen was vacant, so that nothing was owned.
    #[inline(always)]
    pub(super) fn settle(
        self,
        xas: &mut Xas,
        look: &Look,
        action: Action,
    ) -> Result<End, NeedMemory> {
        let (change, end) = decide(look.seen, action, xas.order);
        match change {
            Change::None => (),
            Change::Unlock(raw) if !raw.has_waiters() => self.commit(xas, raw.unlocked()),
            change => self.change(xas, look, change)?,
        }
        Ok(end)
    }

    /// The part of [`Locked::settle`] that is compiled once.
    fn change(mut self, xas: &mut Xas, look: &Look, change: Change) -> Result<(), NeedMemory> {
        match (change, look.granule) {
            (Change::None, _) => (),
            (Change::Insert(raw), _) => self.insert(xas, raw)?,
            (Change::Unlock(raw), Some(granule)) => self.unlock(xas, granule, raw),
            (Change::UnlockClean(raw), Some(granule)) => {
                self.mark(xas, look.marks, false);
                self.unlock(xas, granule, raw);
            }
            (Change::Remove, Some(granule)) => self.remove(xas, granule, look.seen),
            // Not reached: these changes are for entries that were found.
            (Change::Unlock(_) | Change::UnlockClean(_) | Change::Remove, None) => (),
        }
        Ok(())
    }

    fn insert(&mut self, xas: &mut Xas, raw: Raw) -> Result<(), NeedMemory> {
        if self.tree.refuses() {
            // SAFETY: The state is initialised.
            unsafe { ffi::baton_xas_set_err(&mut xas.state, ENOMEM.to_errno()) };
            return Err(NeedMemory);
        }
        // SAFETY: The state is initialised, and the lock is held by the type invariants.
        //
        // INVARIANT: The order of the position is that of the entry.
        unsafe { bindings::xas_store(&mut xas.state, stored(raw)) };
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
        self.tree.have_slept(granted);
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
            self.tree.have_slept(told);
        }
    }

    /// Loads the entry at the index of the position.
    #[inline]
    pub(super) fn load(&self, xas: &mut Xas) -> Option<Raw> {
        xas.reset();
        // SAFETY: The state is initialised; the lock is held by the type invariants.
        loaded(unsafe { bindings::xas_load(&mut xas.state) })
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
        unsafe { ffi::baton_xas_split(&mut xas.state, stored(raw), order.shift()) };
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
        let xa = self.tree.xarray();
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
