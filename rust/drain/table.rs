// SPDX-License-Identifier: GPL-2.0

//! On whom the waits of a drain depend: who has shut its gate, and who has parked references.

use crate::ffi;
use core::{
    cell::UnsafeCell,
    panic::Location, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    task::Task,
    types::NotThreadSafe, //
};

/// How many parked references, and tasks that have the gate together, a drain remembers.
pub(super) const SLOTS: usize = 16;

/// The lock of all tables and of the list of waiters, held.
///
/// One for the whole kernel, because a search goes from table to table. It is a raw spinlock that is
/// taken with interrupts off, and nothing else is taken with it held.
///
/// # Invariants
///
/// The lock is held by this CPU, with interrupts off.
pub(super) struct Locked {
    flags: usize,
    _not_send: NotThreadSafe,
}

impl Locked {
    pub(super) fn new() -> Self {
        // INVARIANT: The lock was just taken.
        Self {
            // SAFETY: The lock was initialised when the kernel module was built.
            flags: unsafe { ffi::baton_drain_lock() },
            _not_send: NotThreadSafe,
        }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // SAFETY: The lock is held by the type invariants, and was taken with these flags.
        unsafe { ffi::baton_drain_unlock(self.flags) };
    }
}

/// A task, as a number: its address, and its PID, because addresses are used again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct TaskId {
    address: usize,
    pub(super) pid: i32,
}

impl TaskId {
    pub(super) fn current() -> Self {
        let task = Task::current_raw();
        Self {
            address: task.addr(),
            // SAFETY: The calling task is valid.
            pid: unsafe { (*task).pid },
        }
    }
}

/// The end of the name of a source file, and a line in it.
///
/// A copy, because the module that the name is in may go first: a parked reference can be leaked.
#[derive(Clone, Copy)]
pub(super) struct Place {
    file: [u8; 36],
    len: u8,
    pub(super) line: u32,
}

impl Place {
    fn new(place: &Location<'_>) -> Self {
        let name = place.file();
        let folder = name.rmatch_indices('/').nth(1).map_or(0, |(at, _)| at + 1);
        let name = name.as_bytes().get(folder..).unwrap_or_default();
        let mut file = [0; 36];
        let len = name.len().min(file.len());
        file[..len].copy_from_slice(&name[..len]);
        Self {
            file,
            // CAST: At most the length of the array.
            len: len as u8,
            line: place.line(),
        }
    }

    pub(super) fn file(&self) -> &str {
        core::str::from_utf8(&self.file[..usize::from(self.len)]).unwrap_or("?")
    }
}

/// What a task has undertaken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Owes {
    /// To end a parked reference.
    Reference,
    /// To leave those who have the gate shut together.
    Gate,
}

/// What a task has undertaken, and where.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) owes: Owes,
    pub(super) task: TaskId,
    pub(super) place: Place,
}

/// In the place of the address of a task: those whose slots say so.
const TOGETHER: usize = 1;

/// On whom the waits of one drain depend.
pub(super) struct Table {
    /// The address of the task that holds the gate shut alone, or [`TOGETHER`]; 0 if it is nobody in
    /// particular.
    closer: Atomic<usize>,
    /// The address of the task that has shut the gate for [`OwnedShut`](super::OwnedShut), 0 if none has.
    disowner: Atomic<usize>,
    /// Is accessed with the lock held only.
    slots: UnsafeCell<[Option<Slot>; SLOTS]>,
}

// SAFETY: The slots are accessed with the lock held only, the rest is atomic.
unsafe impl Send for Table {}

// SAFETY: As above.
unsafe impl Sync for Table {}

impl Table {
    pub(super) const fn new() -> Self {
        Self {
            closer: Atomic::new(0),
            disowner: Atomic::new(0),
            slots: UnsafeCell::new([None; SLOTS]),
        }
    }

    pub(super) fn slots<'l>(&'l self, _locked: &'l Locked) -> &'l [Option<Slot>; SLOTS] {
        // SAFETY: The lock is held, and whoever has a mutable reference has borrowed it mutably.
        unsafe { &*self.slots.get() }
    }

    fn slots_mut<'l>(&'l self, _locked: &'l mut Locked) -> &'l mut [Option<Slot>; SLOTS] {
        // SAFETY: The lock is held, and it is borrowed by nobody else.
        unsafe { &mut *self.slots.get() }
    }

    /// Returns what makes who waits for one of these depend on `task`.
    pub(super) fn owed_by<'l>(
        &'l self,
        locked: &'l Locked,
        owes: Owes,
        task: TaskId,
    ) -> Option<&'l Slot> {
        let mut slots = self.slots(locked).iter().flatten();
        slots.find(|slot| slot.owes == owes && slot.task == task)
    }

    /// Enters what the calling task undertakes; [`None`] if the table is full.
    pub(super) fn add(&self, owes: Owes, place: &Location<'_>) -> Option<usize> {
        let slot = Slot {
            owes,
            task: TaskId::current(),
            place: Place::new(place),
        };
        let mut locked = Locked::new();
        let slots = self.slots_mut(&mut locked);
        let free = slots.iter().position(Option::is_none)?;
        slots[free] = Some(slot);
        if owes == Owes::Gate {
            self.closer.store(TOGETHER, Relaxed);
        }
        Some(free)
    }

    pub(super) fn remove(&self, slot: usize) {
        let mut locked = Locked::new();
        let slots = self.slots_mut(&mut locked);
        let Some(left) = slots.get_mut(slot).and_then(Option::take) else {
            return;
        };
        let owe = |other: &Slot| other.owes == Owes::Gate;
        if owe(&left) && !slots.iter().flatten().any(owe) {
            self.closer.store(0, Relaxed);
        }
    }

    /// Returns the address that waits for the gate go by.
    pub(super) fn gate_key(&self) -> *const () {
        (&raw const self.closer).cast()
    }

    /// The calling task has shut the gate, and holds it.
    pub(super) fn set_closer(&self) {
        self.closer.store(Task::current_raw().addr(), Relaxed);
    }

    /// The calling task, which holds the gate, leaves it shut for whoever opens it.
    pub(super) fn disown_gate(&self) {
        self.disowner.store(Task::current_raw().addr(), Relaxed);
        self.closer.store(0, Relaxed);
    }

    /// The gate is going to be opened.
    pub(super) fn forget_closer(&self) {
        self.disowner.store(0, Relaxed);
        self.closer.store(0, Relaxed);
    }

    /// Returns whether the calling task has shut the gate, and does not hold it.
    pub(super) fn was_disowned_by_me(&self) -> bool {
        self.disowner.load(Relaxed) == Task::current_raw().addr()
    }

    /// Returns whether the calling task holds the gate, alone or with others.
    #[inline]
    pub(super) fn is_shut_by_me(&self) -> bool {
        // What this task has written itself is seen.
        self.closer.load(Relaxed) != 0 && self.is_closed_by(&Locked::new(), TaskId::current())
    }

    /// Returns whether the calling task holds the gate with others.
    pub(super) fn is_nested_by_me(&self) -> bool {
        self.closer.load(Relaxed) == TOGETHER && self.is_shut_by_me()
    }

    /// Returns whether `task` holds the gate, alone or with others.
    pub(super) fn is_closed_by(&self, locked: &Locked, task: TaskId) -> bool {
        match self.closer.load(Relaxed) {
            TOGETHER => self.owed_by(locked, Owes::Gate, task).is_some(),
            closer => closer == task.address,
        }
    }

    /// Says in the log who has parked what where.
    pub(super) fn report(&self) {
        // A copy, because what prints takes locks of its own.
        let slots = *self.slots(&Locked::new());
        let parked = |slot: &&Slot| slot.owes == Owes::Reference;
        for slot in slots.iter().flatten().filter(parked) {
            pr_warn!(
                "a reference is parked on task {}, since {}:{}\n",
                slot.task.pid,
                slot.place.file(),
                slot.place.line
            );
        }
    }
}
