// SPDX-License-Identifier: GPL-2.0

//! The table of obligations, and the list of sleepers, under the registry's lock.

use super::record::{
    File,
    Record,
    Row,
    Who, //
};
use crate::{
    about::{
        Kind,
        Object, //
    },
    ffi, //
};
use core::{
    cell::UnsafeCell,
    ops::{
        Deref,
        DerefMut, //
    },
    panic::Location,
    ptr, //
};
use kernel::{
    ffi::c_void,
    types::NotThreadSafe, //
};

/// How many obligations there is room for, by object and place.
pub const ROWS: usize = 1024;

/// How many rows are looked at for one object.
const WINDOW: usize = 32;

/// What the registry knows.
///
/// # Invariants
///
/// `head` is a list of live records, each linked by a task that does not return before it has taken
/// its record off again.
///
/// The layout is that of `registry.h`.
#[repr(C)]
pub(super) struct State {
    head: *const Record,
    /// When it was switched on.
    since: u64,
    /// What did not fit.
    pub(super) lost: u64,
    on: bool,
    /// Whether that was the first switch, by which the module is loaded: nobody slept before.
    from_the_start: bool,
    switched: bool,
    rows: [Row; ROWS],
}

struct Ledger(UnsafeCell<State>);

// SAFETY: The state is accessed with the lock held only.
unsafe impl Sync for Ledger {}

static LEDGER: Ledger = Ledger(UnsafeCell::new(State {
    head: ptr::null(),
    since: 0,
    lost: 0,
    on: false,
    from_the_start: false,
    switched: false,
    rows: [Row::FREE; ROWS],
}));

/// Returns where the state is, for tools.
pub(super) fn address() -> *const c_void {
    LEDGER.0.get().cast_const().cast()
}

/// The state, with its lock held.
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
            flags: unsafe { ffi::baton_registry_lock() },
            _not_send: NotThreadSafe,
        }
    }
}

impl Deref for Locked {
    type Target = State;

    fn deref(&self) -> &State {
        // SAFETY: The lock is held by the type invariants.
        unsafe { &*LEDGER.0.get() }
    }
}

impl DerefMut for Locked {
    fn deref_mut(&mut self) -> &mut State {
        // SAFETY: As above, and this is the only reference to what has the lock.
        unsafe { &mut *LEDGER.0.get() }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // SAFETY: The lock is held by the type invariants, and was taken with these flags.
        unsafe { ffi::baton_registry_unlock(self.flags) };
    }
}

impl State {
    /// Switches it on or off, and forgets what was noted before.
    pub(super) fn switch(&mut self, on: bool) {
        if self.on != on {
            self.on = on;
            self.since = now();
            self.from_the_start = on && !self.switched;
            self.lost = 0;
            for row in &mut self.rows {
                row.count = 0;
            }
        }
        self.switched = true;
    }

    /// Returns whether it has noted everybody since the module was loaded.
    pub(super) fn is_from_the_start(&self) -> bool {
        self.from_the_start
    }

    /// Returns when it was switched on, if it is on.
    pub(super) fn since(&self) -> Option<u64> {
        self.on.then_some(self.since)
    }

    /// The rows that an object can be in.
    fn window(object: Object) -> impl Iterator<Item = usize> {
        let x = (object.address ^ object.part.rotate_left(32)) as u64;
        // As `hash_long()`. CAST: The product is shifted to the bits that are needed.
        let first = (x.wrapping_mul(0x61c8_8646_80b5_83eb) >> 32) as usize;
        (first..first + WINDOW).map(|at| at % ROWS)
    }

    /// The rows of an object.
    pub(super) fn rows_of(&self, object: Object) -> impl Iterator<Item = &Row> {
        Self::window(object)
            .map(|at| &self.rows[at])
            .filter(move |row| row.count > 0 && row.object == object)
    }

    fn add(&mut self, kind: Kind, changes: bool, object: Object, place: &Location<'_>) {
        if !self.on {
            return;
        }
        let (file, line) = (File::new(place.file()), place.line());
        let mut free = None;
        let mut same = None;
        for at in Self::window(object) {
            let row = &self.rows[at];
            if row.count == 0 {
                free = free.or(Some(at));
            } else if row.object == object
                && row.changes == changes
                && row.line == line
                && row.file == file
            {
                same = Some(at);
            }
        }
        let now = now();
        match (same, free) {
            (Some(at), _) => {
                let row = &mut self.rows[at];
                row.count += 1;
                row.last = now;
                row.who = Who::current();
            }
            (None, Some(at)) => {
                self.rows[at] = Row {
                    object,
                    count: 1,
                    since: now,
                    last: now,
                    kind,
                    line,
                    who: Who::current(),
                    file,
                    changes,
                };
            }
            (None, None) => self.lost += 1,
        }
    }

    /// Takes back one obligation: of the calling task if it has one, or else the oldest.
    ///
    /// In an interrupt there is no calling task. The one that was interrupted has nothing to do with
    /// what is paid, so the oldest obligation is taken there as well.
    fn pay(&mut self, object: Object) {
        // SAFETY: Reads the state of this CPU.
        let mine = unsafe { ffi::baton_registry_in_task() }.then(|| Who::current().pid);
        let owing = |row: &Row| row.count > 0 && !row.changes && row.object == object;
        let found = Self::window(object)
            .filter(|at| owing(&self.rows[*at]))
            .min_by_key(|at| (Some(self.rows[*at].who.pid) != mine, self.rows[*at].since));
        if let Some(at) = found {
            self.rows[at].count -= 1;
        }
    }

    fn forget(&mut self, object: Object) {
        for at in Self::window(object) {
            if self.rows[at].object == object {
                self.rows[at].count = 0;
            }
        }
    }

    /// Puts a record on the list, if the registry is on. Returns whether it has.
    ///
    /// # Safety
    ///
    /// `record` must stay valid until it was taken off the list with [`State::unlink`].
    pub(super) unsafe fn link(&mut self, record: *const Record) -> bool {
        if !self.on {
            return false;
        }
        // SAFETY: `record` is valid by the safety requirements, the head by the type invariants.
        unsafe {
            (*record).prev.set(ptr::null());
            (*record).next.set(self.head);
            if let Some(head) = self.head.as_ref() {
                head.prev.set(record);
            }
        }
        // INVARIANT: The record is live until it is taken off.
        self.head = record;
        true
    }

    /// Takes a record off the list.
    ///
    /// # Safety
    ///
    /// `record` must be on the list.
    pub(super) unsafe fn unlink(&mut self, record: *const Record) {
        // SAFETY: The record and its neighbours are valid by the safety requirements and the type
        // invariants.
        unsafe {
            let (prev, next) = ((*record).prev.get(), (*record).next.get());
            match prev.as_ref() {
                Some(prev) => prev.next.set(next),
                None => self.head = next,
            }
            if let Some(next) = next.as_ref() {
                next.prev.set(prev);
            }
        }
    }

    /// Calls `f` for each record, until it returns `false`.
    pub(super) fn records(&self, mut f: impl FnMut(&Record) -> bool) {
        let mut next = self.head;
        // SAFETY: What is on the list is live by the type invariants.
        while let Some(record) = unsafe { next.as_ref() } {
            if !f(record) {
                return;
            }
            next = record.next.get();
        }
    }
}

/// Returns the time in nanoseconds.
pub(super) fn now() -> u64 {
    // SAFETY: Reads a clock.
    unsafe { ffi::baton_registry_now() }
}

#[cold]
#[inline(never)]
pub(super) fn owe(kind: Kind, object: Object, place: &Location<'_>) {
    Locked::new().add(kind, false, object, place);
}

#[cold]
#[inline(never)]
pub(super) fn changed(object: Object, place: &Location<'_>) {
    Locked::new().add(Kind::Event, true, object, place);
}

#[cold]
#[inline(never)]
pub(super) fn paid(object: Object) {
    Locked::new().pay(object);
}

#[cold]
#[inline(never)]
pub(super) fn gone(object: Object) {
    Locked::new().forget(object);
}
