// SPDX-License-Identifier: GPL-2.0

//! The table of obligations, and the list of sleepers, under the registry's lock.

use super::{
    sleeper::Record,
    Kind,
    Object,
    Who, //
};
use crate::ffi;
use core::{
    cell::UnsafeCell,
    ops::{
        Deref,
        DerefMut, //
    },
    panic::Location,
    ptr, //
};
use kernel::types::NotThreadSafe;

/// How many obligations there is room for, by object and place.
pub const ROWS: usize = 1024;

/// How many rows are looked at for one object.
const WINDOW: usize = 32;

/// Returns the end of the name of a file: its folder, and its own.
pub(crate) fn tail(path: &str) -> &str {
    let mut slashes = path.rmatch_indices('/');
    slashes.nth(1).map_or(path, |(at, _)| &path[at + 1..])
}

/// The end of the name of a file: its folder, and its own.
///
/// A copy, because the module that has the name may go before the row does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct File {
    bytes: [u8; 36],
    len: u8,
}

impl File {
    const NONE: Self = Self {
        bytes: [0; 36],
        len: 0,
    };

    pub(super) fn new(path: &str) -> Self {
        let end = tail(path).as_bytes();
        let mut file = Self::NONE;
        let len = end.len().min(file.bytes.len());
        file.bytes[..len].copy_from_slice(&end[..len]);
        // CAST: At most the length of the array.
        file.len = len as u8;
        file
    }

    pub(super) fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or("?")
    }
}

/// What is owed for one object from one place, or who has changed it from there.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) object: Object,
    pub(super) kind: Kind,
    /// Whether these are changes, which are not taken back.
    pub(super) changes: bool,
    /// How many there are. The row is free if there are none.
    pub(super) count: u64,
    /// When the count began to be more than nothing.
    pub(super) since: u64,
    /// When the last one was added, and by whom.
    pub(super) last: u64,
    pub(super) who: Who,
    pub(super) file: File,
    pub(super) line: u32,
}

impl Row {
    const FREE: Self = Self {
        object: Object {
            address: 0,
            part: 0,
        },
        kind: Kind::Event,
        changes: false,
        count: 0,
        since: 0,
        last: 0,
        who: Who::NOBODY,
        file: File::NONE,
        line: 0,
    };
}

/// What the registry knows.
///
/// # Invariants
///
/// `head` is a list of live records, each linked by a task that does not return before it has taken
/// its record off again.
pub(super) struct State {
    pub(super) on: bool,
    /// What did not fit.
    pub(super) lost: u64,
    head: *const Record,
    rows: [Row; ROWS],
}

struct Ledger(UnsafeCell<State>);

// SAFETY: The state is accessed with the lock held only.
unsafe impl Sync for Ledger {}

static LEDGER: Ledger = Ledger(UnsafeCell::new(State {
    on: false,
    lost: 0,
    head: ptr::null(),
    rows: [Row::FREE; ROWS],
}));

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
                    kind,
                    changes,
                    count: 1,
                    since: now,
                    last: now,
                    who: Who::current(),
                    file,
                    line,
                };
            }
            (None, None) => self.lost += 1,
        }
    }

    fn pay(&mut self, object: Object) {
        let mine = Who::current().pid;
        let owing = |row: &Row| row.count > 0 && !row.changes && row.object == object;
        let found = Self::window(object)
            .filter(|at| owing(&self.rows[*at]))
            .min_by_key(|at| (self.rows[*at].who.pid != mine, self.rows[*at].since));
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

/// Switches the registry on or off. It forgets what is owed when it goes off.
///
/// Context: may sleep, and takes the lock of the CPUs (`cpus_read_lock()`).
pub fn switch(on: bool) {
    // SAFETY: The callers may sleep. Ended below.
    unsafe { ffi::baton_registry_begin_switch() };
    let mut state = Locked::new();
    if state.on != on {
        state.on = on;
        state.lost = 0;
        for row in &mut state.rows {
            row.count = 0;
        }
    }
    drop(state);
    // What runs past the branch meanwhile looks at `on`.
    // SAFETY: The callers may sleep. Begun above.
    unsafe { ffi::baton_registry_end_switch(on) };
}
