// SPDX-License-Identifier: GPL-2.0

//! The count of a drain, who has shut its gate, and how both are waited for.
//!
//! C source: [`kernel/sched/wait_bit.c`](srctree/kernel/sched/wait_bit.c)

use super::{
    parked::Table,
    DrainError, //
};
use crate::{
    context::MaySleep,
    event::{
        Mode,
        WaitError, //
    },
    level::Level,
    registry::{
        self,
        About,
        Kind,
        Label,
        Object, //
    },
};
use core::{
    panic::Location,
    ptr::NonNull, //
};
use kernel::{
    bindings,
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

/// The drain lives.
const OWNED: u64 = 1 << 63;
/// The gate is shut.
const SHUT: u64 = 1 << 62;
/// The references in flight.
const COUNT: u64 = SHUT - 1;

/// What a drain and its references have in common.
#[pin_data]
pub(super) struct Cell {
    /// [`OWNED`], [`SHUT`], and the count. Waits for the count go by the address of this.
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
        self.cell().word.load(Relaxed) & COUNT
    }

    /// Counts one more, unless the gate is shut.
    pub(super) fn begin(&self) -> Result<Self, DrainError> {
        let word = &self.cell().word;
        let mut seen = word.load(Relaxed);
        loop {
            if seen & SHUT != 0 {
                return Err(DrainError::Shut);
            }
            match word.cmpxchg(seen, seen + 1, Full) {
                // INVARIANT: It is counted.
                Ok(_) => return Ok(*self),
                Err(now) => seen = now,
            }
        }
    }

    /// Counts one less. The cell must not be used by the caller afterwards.
    pub(super) fn end(&self) {
        let address = self.count_address();
        let before = self.cell().word.fetch_sub(1, Full); // A, pairs with B
        if before & COUNT != 1 {
            return;
        }
        if before & OWNED == 0 {
            self.free();
        } else {
            // The drain may be gone by now, with the cell: this is a number, not a pointer.
            // SAFETY: The address is hashed and compared, nothing else.
            unsafe { bindings::wake_up_var(address) };
        }
    }

    /// The drain goes away. The cell must not be used by it afterwards.
    pub(super) fn disown(&self) {
        let before = self.cell().word.fetch_sub(OWNED, Full);
        if before & COUNT == 0 {
            self.free();
        }
    }

    fn free(&self) {
        // SAFETY: The cell was allocated by `Cell::new()`. Nobody has a pointer to it any more: this
        // was the last reference and there is no drain, or the drain and there are no references;
        // the word was changed by one atomic operation, so exactly one of them finds that.
        drop(unsafe { Pin::new_unchecked(KBox::from_raw(self.0.as_ptr())) });
    }

    /// Shuts the gate for this task, if it is open.
    pub(super) fn shut(&self) -> bool {
        let cell = self.cell();
        let mut seen = cell.word.load(Relaxed);
        while seen & SHUT == 0 {
            match cell.word.cmpxchg(seen, seen | SHUT, Full) {
                Ok(_) => {
                    cell.closer.store(Task::current_raw().addr(), Relaxed);
                    return true;
                }
                Err(now) => seen = now,
            }
        }
        false
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
        let cell = self.cell();
        cell.closer.store(0, Relaxed);
        // A, pairs with B
        cell.word.fetch_sub(SHUT, Full);
        // SAFETY: The address is hashed and compared, nothing else.
        unsafe { bindings::wake_up_var(self.gate_address()) };
    }

    /// Returns what the registry knows the references by.
    #[inline]
    pub(super) fn count_object(&self) -> Object {
        Object::at(self.count_address())
    }

    /// Returns what the registry knows the gate by.
    #[inline]
    pub(super) fn gate_object(&self) -> Object {
        Object::at(self.gate_address())
    }

    fn count_address(&self) -> *mut c_void {
        (&raw const self.cell().word).cast_mut().cast()
    }

    fn gate_address(&self) -> *mut c_void {
        (&raw const self.cell().closer).cast_mut().cast()
    }

    /// Waits until nothing is in flight.
    #[track_caller]
    pub(super) fn wait_drained<C: Level, M: Mode>(
        &self,
        _cx: &mut MaySleep<C>,
        mode: M,
        name: &'static CStr,
    ) -> Result<(), DrainError> {
        // Only this task can park on itself, so what is not there before the sleep does not come.
        wait_var(self.count_address(), mode, name, || {
            // Acquire: what was done before the last end is seen.
            if self.cell().word.load(Acquire) & COUNT == 0 {
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
        _cx: &mut MaySleep<C>,
        mode: M,
        name: &'static CStr,
        mut pass: impl FnMut(&Self) -> bool,
    ) -> Result<(), DrainError> {
        let mine = Task::current_raw().addr();
        wait_var(self.gate_address(), mode, name, || {
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

/// `wait_var_event()` with a mode: sleeps until `look` says how the wait ends.
#[track_caller]
fn wait_var<M: Mode>(
    address: *mut c_void,
    mode: M,
    name: &'static CStr,
    mut look: impl FnMut() -> Option<Result<(), DrainError>>,
) -> Result<(), DrainError> {
    if let Some(ended) = look() {
        return ended;
    }
    // SAFETY: The address is hashed, nothing else; the table lives for ever.
    let queue = unsafe { bindings::__var_waitqueue(address) };
    let mut entry = bindings::wait_bit_queue_entry::default();
    // SAFETY: `entry` is on this stack, and taken off the queue below, before this returns.
    unsafe { bindings::init_wait_var_entry(&mut entry, address, 0) };
    let mut left = mode.limit();
    let mut since = 0;
    // Not in the closure, whose caller is this function.
    let place = Location::caller();
    let about = registry::is_wanted().then(|| About {
        object: Object::at(address),
        label: Label {
            kind: Kind::Drain,
            name,
        },
        place,
    });
    let ended = loop {
        // B, pairs with A
        // SAFETY: The entry is initialised, and the queue lives for ever. CAST: States are small.
        let signal =
            unsafe { bindings::prepare_to_wait_event(queue, &mut entry.wq_entry, M::STATE as i32) };
        if let Some(ended) = look() {
            break ended;
        }
        if signal != 0 {
            break Err(WaitError::Signal.into());
        }
        if left == 0 {
            break Err(WaitError::TimedOut.into());
        }
        // SAFETY: The capability of the caller says that this task may sleep.
        left = registry::asleep(about.as_ref(), &mut since, || unsafe {
            if M::IO {
                bindings::io_schedule_timeout(left)
            } else {
                bindings::schedule_timeout(left)
            }
        });
    };
    // SAFETY: As for `prepare_to_wait_event()`; takes the entry off the queue if it is on it.
    unsafe { bindings::finish_wait(queue, &mut entry.wq_entry) };
    ended
}
