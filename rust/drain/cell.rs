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
        Table,
        TaskId, //
    },
    var, //
};
use crate::{
    context::MaySleep,
    event::Mode,
    level::Level,
    registry::Object, //
};
use core::{
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
/// The cell was allocated by [`Cell::new`] and is valid: its word has [`OWNED`] set and this is the
/// drain's, or this is a reference that is counted in it.
#[derive(Clone, Copy)]
pub(super) struct CellPtr(NonNull<Cell>);

// SAFETY: What is in a cell is atomic, or under a lock.
unsafe impl Send for CellPtr {}

// SAFETY: As above.
unsafe impl Sync for CellPtr {}

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
    fn fetch_sub_full(&self, amount: u64) -> u64 {
        self.fetch_sub(amount, Full)
    }
}

// SAFETY: All copies point to the same cell.
unsafe impl Shared for CellPtr {
    type Word = Atomic<u64>;
    type Key = *mut c_void;

    fn word(&self) -> &Atomic<u64> {
        &self.cell().word
    }

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
        // SAFETY: The cell was allocated by `Cell::new()`, and nobody uses it any more, by the safety
        // requirements.
        drop(unsafe { KBox::from_raw(self.0.as_ptr()) });
    }
}

impl Cell {
    /// Makes the cell of a drain.
    #[allow(
        clippy::new_ret_no_self,
        reason = "a cell is only ever behind a pointer"
    )]
    pub(super) fn new() -> Result<CellPtr> {
        let cell = KBox::into_raw(KBox::new(
            Self {
                word: Atomic::new(OWNED),
                table: Table::new(),
            },
            GFP_KERNEL,
        )?);
        // INVARIANT: It is owned. SAFETY: The pointer comes from a box, hence is not null.
        Ok(CellPtr(unsafe { NonNull::new_unchecked(cell) }))
    }
}

impl CellPtr {
    fn cell(&self) -> &Cell {
        // SAFETY: The cell is valid by the type invariants.
        unsafe { self.0.as_ref() }
    }

    pub(super) fn count(&self) -> u64 {
        self.word().load_relaxed() & COUNT
    }

    /// Counts one more, unless the gate is shut.
    pub(super) fn begin(&self) -> Result<Self, DrainError> {
        if protocol::begin(*self) {
            // INVARIANT: It is counted.
            Ok(*self)
        } else {
            Err(DrainError::Shut)
        }
    }

    /// Counts one less. The cell must not be used by the caller afterwards.
    pub(super) fn end(&self) {
        protocol::end(*self);
    }

    /// The drain goes away. The cell must not be used by it afterwards.
    pub(super) fn disown(&self) {
        protocol::disown(*self);
    }

    /// Shuts the gate for this task, if it is open.
    pub(super) fn shut(&self) -> bool {
        let shut = protocol::shut(*self);
        if shut {
            self.cell().table.set_closer();
        }
        shut
    }

    /// The gate, which this task has shut, is in nobody's hands in particular.
    pub(super) fn disown_gate(&self) {
        self.cell().table.disown_gate();
    }

    /// Refuses the task that has shut the gate, and says so in the log.
    pub(super) fn not_mine(&self, name: &CStr) -> Result<(), DrainError> {
        if !self.cell().table.is_closer() {
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
    #[track_caller]
    pub(super) fn wait_drained<C: Level, M: Mode>(
        &self,
        cx: &mut MaySleep<C>,
        mode: M,
        name: &'static CStr,
    ) -> Result<(), DrainError> {
        let look = || protocol::is_drained(*self).then_some(());
        self.wait(What::Count, cx, mode, name, look)
    }

    /// Waits until `pass` has passed the gate.
    #[track_caller]
    pub(super) fn wait_open<C: Level, M: Mode>(
        &self,
        cx: &mut MaySleep<C>,
        mode: M,
        name: &'static CStr,
        mut pass: impl FnMut(&Self) -> bool,
    ) -> Result<(), DrainError> {
        let look = || pass(self).then_some(());
        self.wait(What::Gate, cx, mode, name, look)
    }

    /// Sleeps until `look` says that the wait has ended, unless it never would.
    #[track_caller]
    fn wait<C: Level, M: Mode>(
        &self,
        what: What,
        cx: &mut MaySleep<C>,
        mode: M,
        name: &'static CStr,
        mut look: impl FnMut() -> Option<()>,
    ) -> Result<(), DrainError> {
        if look().is_some() {
            return Ok(());
        }
        if what == What::Gate && self.cell().table.was_disowned_by_me() {
            // Not an error: another task can open it. But it is the first thing to know if none does.
            pr_warn!(
                "task {} waits at the gate of drain \"{}\", which it has shut itself: another one has to open it\n",
                TaskId::current().pid,
                name
            );
        }
        // Not in the closure, whose caller is this function.
        let place = Location::caller();
        let key = match what {
            What::Count => self.count_key(),
            What::Gate => self.gate_key(),
        };
        cycle::waiting(&self.cell().table, what, name, || {
            Ok(var::wait(key, cx, mode, name, place, look)?)
        })
    }

    /// Returns how many tasks wait for the count, or at the gate.
    pub(super) fn waiters(&self) -> usize {
        cycle::waiters(&self.cell().table)
    }

    pub(super) fn park(&self, place: &Location<'_>) -> Option<usize> {
        self.cell().table.add(place)
    }

    pub(super) fn unpark(&self, slot: usize) {
        self.cell().table.remove(slot);
    }

    pub(super) fn report_parked(&self) {
        self.cell().table.report();
    }
}
