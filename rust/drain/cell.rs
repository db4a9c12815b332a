// SPDX-License-Identifier: GPL-2.0

//! The memory of a drain: its word, who has shut its gate, and what is parked.

use super::{
    parked::Table,
    protocol::{
        self,
        Shared,
        Word,
        COUNT,
        OWNED, //
    },
    var,
    DrainError, //
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
    task::Task, //
};

/// What a drain and its references have in common.
#[pin_data]
pub(super) struct Cell {
    /// See [`protocol`]. Waits for the count go by the address of this.
    word: Atomic<u64>,
    /// The address of the task that has shut the gate. Waits for the gate go by the address of this.
    closer: Atomic<usize>,
    #[pin]
    parked: Table,
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
        (&raw const self.cell().closer).cast_mut().cast()
    }

    fn wake(key: *mut c_void) {
        var::wake(key);
    }

    unsafe fn free(self) {
        // SAFETY: The cell was allocated by `Cell::new()`, and nobody uses it any more, by the safety
        // requirements.
        drop(unsafe { Pin::new_unchecked(KBox::from_raw(self.0.as_ptr())) });
    }
}

impl Cell {
    /// Makes the cell of a drain.
    // Not generic and never inlined: there is one lock class for all tables, with one name.
    #[inline(never)]
    #[allow(
        clippy::new_ret_no_self,
        reason = "a cell is only ever behind a pointer"
    )]
    pub(super) fn new() -> Result<CellPtr> {
        let cell = KBox::pin_init(
            pin_init!(Self {
                word: Atomic::new(OWNED),
                closer: Atomic::new(0),
                parked <- Table::new(),
            }),
            GFP_KERNEL,
        )?;
        // SAFETY: What the box contains is not moved: it is freed through the pointer only.
        let cell = KBox::into_raw(unsafe { Pin::into_inner_unchecked(cell) });
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
            self.cell()
                .closer
                .store(Task::current_raw().addr(), Relaxed);
        }
        shut
    }

    /// The gate, which this task has shut, is not this task's any more.
    pub(super) fn forget_closer(&self) {
        self.cell().closer.store(0, Relaxed);
    }

    /// Returns whether this task has shut the gate.
    pub(super) fn is_closer(&self) -> bool {
        self.cell().closer.load(Relaxed) == Task::current_raw().addr()
    }

    /// Opens the gate, which the caller has.
    pub(super) fn open(&self) {
        self.cell().closer.store(0, Relaxed);
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
        // Only this task can park on itself, so what is not there before the sleep does not come.
        var::wait(self.count_key(), cx, mode, name, || {
            if protocol::is_drained(*self) {
                Some(Ok(()))
            } else if self.cell().parked.is_mine() {
                self.cell().parked.report("waits for a drain");
                Some(Err(DrainError::Deadlock))
            } else {
                None
            }
        })
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
        let mine = Task::current_raw().addr();
        var::wait(self.gate_key(), cx, mode, name, || {
            if pass(self) {
                Some(Ok(()))
            } else if self.cell().closer.load(Relaxed) == mine {
                Some(Err(DrainError::Deadlock))
            } else {
                None
            }
        })
    }

    pub(super) fn park(&self, place: &'static Location<'static>) -> Option<usize> {
        self.cell().parked.add(place)
    }

    pub(super) fn unpark(&self, slot: usize) {
        self.cell().parked.remove(slot);
    }

    pub(super) fn report_parked(&self) {
        self.cell().parked.report("knows of a drain that went away");
    }
}
