// SPDX-License-Identifier: GPL-2.0

//! The memory of a drain: its word, who has shut its gate, and what is parked.

use super::{
    cycle::{
        self,
        What, //
    },
    error::DrainError,
    protocol::{
        self,
        Shared,
        Word,
        COUNT,
        OWNED, //
    },
    table::{
        Owes,
        Table,
        TaskId, //
    },
    var::{
        self,
        Limited, //
    }, //
};
use crate::{
    context::MaySleep,
    event::ModeAt,
    ffi,
    level::Level,
    registry::{
        self,
        Object, //
    }, //
};
use core::{
    ops::Deref,
    panic::Location,
    ptr::NonNull, //
};
use kernel::{
    ffi::c_void,
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Full,
        Relaxed, //
    },
};

/// What a drain and its references have in common.
pub(super) struct Cell {
    /// See [`protocol`]. Waits for the count go by the address of this.
    word: Atomic<u64>,
    /// On whom waits depend.
    table: Table,
}

/// A pointer to a cell.
///
/// # Invariants
///
/// The cell was allocated by [`OwnedCell::new`] and is valid: its word has [`OWNED`] set and this is the
/// drain's, or this is a reference that is counted in it.
#[derive(Clone, Copy)]
pub(super) struct CellPtr(NonNull<Cell>);

/// The drain's part in a cell.
///
/// Dropping it says in the log what is left in flight, if anything is, and leaves the cell to that.
///
/// # Invariants
///
/// The word has [`OWNED`] set for this.
pub(super) struct OwnedCell(CellPtr);

impl OwnedCell {
    /// Makes a cell with nothing in flight and the gate open.
    pub(super) fn new() -> Result<Self> {
        let cell = KBox::into_raw(KBox::new(
            Cell {
                word: Atomic::new(OWNED),
                table: Table::new(),
            },
            GFP_KERNEL,
        )?);
        // INVARIANT: It is owned. SAFETY: The pointer comes from a box, hence is not null.
        Ok(Self(CellPtr(unsafe { NonNull::new_unchecked(cell) })))
    }
}

impl Deref for OwnedCell {
    type Target = CellPtr;

    fn deref(&self) -> &CellPtr {
        &self.0
    }
}

impl Drop for OwnedCell {
    fn drop(&mut self) {
        let left = self.count();
        if left > 0 {
            pr_warn!("a drain goes away with {} references in flight\n", left);
            self.cell().table.report();
        }
        registry::gone(self.count_object());
        // Of a gate whose guard was forgotten.
        registry::gone(self.gate_object());
        // The last one frees the cell: this, or the end of the last reference.
        protocol::disown(self.0);
    }
}

// SAFETY: What is in a cell is atomic, or under a lock.
unsafe impl Send for CellPtr {}

// SAFETY: As above.
unsafe impl Sync for CellPtr {}

/// Which drain is waited for, and where.
#[derive(Clone, Copy)]
pub(super) struct About {
    pub(super) name: &'static CStr,
    pub(super) place: &'static Location<'static>,
}

impl About {
    #[track_caller]
    pub(super) fn here(name: &'static CStr) -> Self {
        Self {
            name,
            place: Location::caller(),
        }
    }
}

impl Word for Atomic<u64> {
    #[inline]
    fn load_relaxed(&self) -> u64 {
        self.load(Relaxed)
    }

    #[inline]
    fn load_acquire(&self) -> u64 {
        self.load(Acquire)
    }

    #[inline]
    fn cmpxchg_full(&self, old: u64, new: u64) -> Result<(), u64> {
        self.cmpxchg(old, new, Full).map(|_| ())
    }

    #[inline]
    fn fetch_add_full(&self, amount: u64) -> u64 {
        self.fetch_add(amount, Full)
    }

    #[inline]
    fn fetch_sub_full(&self, amount: u64) -> u64 {
        self.fetch_add(amount.wrapping_neg(), Full)
    }

    #[inline]
    fn inc_unless(&self, bits: u64) -> bool {
        // SAFETY: The word is valid. CAST: An `Atomic` has the layout of what C has.
        unsafe { ffi::baton_inc_unless(self.as_ptr().cast(), bits) }
    }
}

// SAFETY: All copies point to the same cell.
unsafe impl Shared for CellPtr {
    type Word = Atomic<u64>;
    type Key = *mut c_void;

    #[inline]
    fn word(&self) -> &Atomic<u64> {
        &self.cell().word
    }

    #[inline]
    fn count_key(&self) -> *mut c_void {
        (&raw const self.cell().word).cast_mut().cast()
    }

    fn gate_key(&self) -> *mut c_void {
        self.cell().table.gate_key().cast_mut().cast()
    }

    fn wake(key: *mut c_void) {
        var::wake(key);
    }

    unsafe fn free(self) {
        // SAFETY: The cell was allocated by `OwnedCell::new()`, and nobody uses it any more, by the safety
        // requirements.
        drop(unsafe { KBox::from_raw(self.0.as_ptr()) });
    }
}

impl CellPtr {
    #[inline]
    fn cell(&self) -> &Cell {
        // SAFETY: The cell is valid by the type invariants.
        unsafe { self.0.as_ref() }
    }

    pub(super) fn count(&self) -> u64 {
        self.word().load_relaxed() & COUNT
    }

    /// Counts one more, unless the gate is shut.
    #[inline]
    pub(super) fn begin(&self) -> Result<Self, DrainError> {
        if protocol::begin(*self) {
            // INVARIANT: It is counted.
            Ok(*self)
        } else {
            Err(DrainError::Shut)
        }
    }

    /// Counts one less. The cell must not be used by the caller afterwards.
    #[inline]
    pub(super) fn end(&self) {
        protocol::end(*self);
    }

    /// Shuts the gate for this task alone, if it is open.
    pub(super) fn shut(&self) -> bool {
        let shut = protocol::shut(*self);
        if shut {
            self.cell().table.set_closer();
        }
        shut
    }

    /// Shuts the gate for this task and others, unless somebody has it alone.
    pub(super) fn shut_nested(&self) -> bool {
        protocol::shut_nested(*self)
    }

    /// Notes that this task is one of those who have the gate shut; [`None`] if there is no room for that.
    pub(super) fn note_nested(&self, place: &Location<'_>) -> Option<usize> {
        self.cell().table.add(Owes::Gate, place)
    }

    /// Leaves those who have the gate shut. What was noted of that is forgotten.
    pub(super) fn open_nested(&self, note: Option<usize>) {
        if let Some(slot) = note {
            self.cell().table.remove(slot);
        }
        protocol::open_nested(*self);
    }

    /// Returns whether this task is known to be one of those who have the gate shut together.
    pub(super) fn is_nested_by_me(&self) -> bool {
        self.cell().table.is_nested_by_me()
    }

    /// The gate, which this task has shut, is in nobody's hands in particular.
    pub(super) fn disown_gate(&self) {
        self.cell().table.disown_gate();
    }

    /// Refuses the task that has shut the gate, and says so in the log.
    pub(super) fn not_mine(&self, name: &CStr) -> Result<(), DrainError> {
        if !self.cell().table.is_shut_by_me() {
            return Ok(());
        }
        pr_warn!(
            "task {} would wait at the gate of drain \"{}\", which it has shut itself\n",
            TaskId::current().pid,
            name
        );
        Err(DrainError::Deadlock)
    }

    /// Opens the gate, which the caller has.
    pub(super) fn open(&self) {
        self.cell().table.forget_closer();
        protocol::open(*self);
    }

    /// Returns what the registry knows the references by.
    #[inline]
    pub(super) fn count_object(&self) -> Object {
        Object::at(self.count_key())
    }

    /// Returns what the registry knows the gate by.
    #[inline]
    pub(super) fn gate_object(&self) -> Object {
        Object::at(self.gate_key())
    }

    /// Waits until nothing is in flight.
    pub(super) fn wait_drained<C: Level, M: ModeAt<C>>(
        &self,
        cx: &mut MaySleep<C>,
        limited: &mut Limited<M>,
        about: About,
    ) -> Result<(), DrainError> {
        let look = || protocol::is_drained(*self).then_some(());
        self.wait(What::Count, cx, limited, about, look)
    }

    /// Waits until the gate, which stands for a turn, is shut for this task alone.
    pub(super) fn wait_turn<C: Level, M: ModeAt<C>>(
        &self,
        cx: &mut MaySleep<C>,
        limited: &mut Limited<M>,
        about: About,
    ) -> Result<(), DrainError> {
        let look = || self.shut().then_some(());
        self.wait(What::Turn, cx, limited, about, look)
    }

    /// Waits until `pass` has passed the gate.
    #[track_caller]
    pub(super) fn wait_open<C: Level, M: ModeAt<C>>(
        &self,
        cx: &mut MaySleep<C>,
        mode: M,
        name: &'static CStr,
        mut pass: impl FnMut(&Self) -> bool,
    ) -> Result<(), DrainError> {
        let look = || pass(self).then_some(());
        self.wait(
            What::Gate,
            cx,
            &mut Limited::new(mode),
            About::here(name),
            look,
        )
    }

    /// Sleeps until `look` says that the wait has ended, unless it never would.
    fn wait<C: Level, M: ModeAt<C>>(
        &self,
        what: What,
        cx: &mut MaySleep<C>,
        limited: &mut Limited<M>,
        about: About,
        mut look: impl FnMut() -> Option<()>,
    ) -> Result<(), DrainError> {
        if look().is_some() {
            return Ok(());
        }
        let About { name, place } = about;
        if what == What::Gate && self.cell().table.was_disowned_by_me() {
            // Not an error: another task can open it. But it is the first thing to know if none does.
            pr_warn!(
                "task {} waits at the gate of drain \"{}\", which it has shut itself: another one has to open it\n",
                TaskId::current().pid,
                name
            );
        }
        let key = match what {
            What::Count => self.count_key(),
            What::Gate | What::Turn => self.gate_key(),
        };
        cycle::waiting(&self.cell().table, what, name, || {
            Ok(var::wait(key, cx, limited, name, place, look)?)
        })
    }

    /// Returns how many tasks wait for the count, or at the gate.
    pub(super) fn waiters(&self) -> usize {
        cycle::waiters(&self.cell().table)
    }

    pub(super) fn park(&self, place: &Location<'_>) -> Option<usize> {
        self.cell().table.add(Owes::Reference, place)
    }

    pub(super) fn unpark(&self, slot: usize) {
        self.cell().table.remove(slot);
    }
}
