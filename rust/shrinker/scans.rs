// SPDX-License-Identifier: GPL-2.0

//! The tasks that are asking a cache at this moment.

use core::{
    cell::Cell,
    ptr, //
};
use kernel::{
    bindings,
    prelude::*,
    static_lock_class,
    str::CStr,
    sync::{
        LockClassKey,
        SpinLock, //
    },
    task::Task, //
};

/// The tasks that are in a callback of one shrinker.
#[pin_data]
pub(super) struct Scans {
    #[pin]
    visits: SpinLock<Visits>,
}

/// A list of visits.
///
/// # Invariants
///
/// Each of them is on the stack of a task that does not return before it has taken it off again. They
/// are accessed with the lock held.
struct Visits(*const Visit);

// SAFETY: What is on the list is accessed with the lock held, by any task.
unsafe impl Send for Visits {}

struct Visit {
    task: *mut bindings::task_struct,
    next: Cell<*const Visit>,
}

/// The lock class of all lists.
// Not generic and never inlined: there is one key, with one name.
#[inline(never)]
fn class() -> (&'static CStr, Pin<&'static LockClassKey>) {
    (c"baton_scans", static_lock_class!())
}

impl Scans {
    pub(super) fn new() -> impl PinInit<Self> {
        let (name, key) = class();
        pin_init!(Self {
            visits <- SpinLock::new(Visits(ptr::null()), name, key),
        })
    }

    /// Calls `body` as a callback of the shrinker.
    pub(super) fn during<R>(&self, body: impl FnOnce() -> R) -> R {
        let visit = Visit {
            task: Task::current_raw(),
            next: Cell::new(ptr::null()),
        };
        self.link(&visit);
        let result = body();
        self.unlink(&visit);
        result
    }

    /// Returns whether the calling task is in a callback.
    pub(super) fn is_inside(&self) -> bool {
        let visits = self.visits.lock();
        let mut next = visits.0;
        // SAFETY: By the invariants of `Visits`.
        while let Some(visit) = unsafe { next.as_ref() } {
            if ptr::eq(visit.task, Task::current_raw()) {
                return true;
            }
            next = visit.next.get();
        }
        false
    }

    #[inline(never)]
    fn link(&self, visit: &Visit) {
        let mut visits = self.visits.lock();
        visit.next.set(visits.0);
        // INVARIANT: `during()`, the only caller, takes it off.
        visits.0 = visit;
    }

    #[inline(never)]
    fn unlink(&self, visit: &Visit) {
        let mut visits = self.visits.lock();
        if ptr::eq(visits.0, visit) {
            visits.0 = visit.next.get();
            return;
        }
        let mut before = visits.0;
        // SAFETY: By the invariants of `Visits`.
        while let Some(other) = unsafe { before.as_ref() } {
            if ptr::eq(other.next.get(), visit) {
                other.next.set(visit.next.get());
                return;
            }
            before = other.next.get();
        }
    }
}
