// SPDX-License-Identifier: GPL-2.0

//! Who waits for which drain, and the search for a wait that could not end.
//!
//! A task that waits for a drain depends on every task on which a reference of it is parked; a task
//! that waits at a gate, or for its turn, depends on everybody who holds that. Where these dependencies form a cycle,
//! nobody in it goes on:
//!
//! ```text
//!   task A                                   task B
//!   1 parks a reference of drain 2
//!                                            2 parks a reference of drain 1
//!   3 waits for drain 1: depends on B
//!                                            4 waits for drain 2: depends on A, which waits
//! ```
//!
//! # Why no cycle is missed
//!
//! A task depends on something only while it sleeps, and sleeps only after it has put itself on the
//! list and searched, under one lock. All that a cycle is made of is entered by the tasks in it:
//! parking is done by the task that is going to end the reference, a gate is held by the task that has
//! shut it, and both are done by a task that runs. So the last task of a cycle to go to sleep finds the
//! others on the list, with all that they depend on, and gets the error. The others sleep on until it
//! has ended what it owes.
//!
//! A reference that is [in flight](super::InFlight) and not parked depends on nobody that is known, and
//! is no part of the search; the same goes for an [owned gate](super::OwnedShut).

use super::{
    error::DrainError,
    table::{
        Locked,
        Owes,
        Slot,
        Table,
        TaskId, //
    },
};
use core::{
    cell::{
        Cell,
        UnsafeCell, //
    },
    ptr, //
};
use kernel::{
    bindings,
    prelude::*,
    task::Task, //
};

/// What of a drain is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// The end of all references.
    Count,
    /// The gate.
    Gate,
    /// The turn of a drain without a gate.
    Turn,
}

/// A task that waits, on its own stack.
struct Waiter<'t> {
    next: Cell<*const Waiter<'static>>,
    prev: Cell<*const Waiter<'static>>,
    task: TaskId,
    raw: *const bindings::task_struct,
    table: &'t Table,
    what: What,
    name: &'static CStr,
    /// In a search: who depends on this one, null if it was not found yet.
    found_by: Cell<*const Waiter<'static>>,
    /// In a search: who is to be looked at after this one.
    todo: Cell<*const Waiter<'static>>,
}

impl Waiter<'_> {
    /// Returns the name of the task.
    fn comm(&self) -> [u8; bindings::TASK_COMM_LEN as usize] {
        // SAFETY: The task waits, so it has not exited. Its name may be changed by others at this
        // moment: then it is half the old one and half the new one, as everybody sees it.
        unsafe { (&raw const (*self.raw).comm).cast::<[u8; 16]>().read() }
    }
}

struct List(UnsafeCell<*const Waiter<'static>>);

// SAFETY: The list is accessed with the lock held only.
unsafe impl Sync for List {}

/// The first one of those who wait.
///
/// # Invariants
///
/// What is on the list is live: each is linked by a task that does not go on before it has taken it off.
static WAITERS: List = List(UnsafeCell::new(ptr::null()));

/// Who waits, with the lock held.
struct Waiters(Locked);

impl Waiters {
    fn lock() -> Self {
        Self(Locked::new())
    }

    fn head(&self) -> *const Waiter<'static> {
        // SAFETY: The lock is held.
        unsafe { *WAITERS.0.get() }
    }

    fn set_head(&mut self, head: *const Waiter<'static>) {
        // SAFETY: The lock is held.
        unsafe { *WAITERS.0.get() = head };
    }

    /// Puts a waiter on the list.
    ///
    /// # Safety
    ///
    /// It must stay valid, with what it refers to, until it is taken off with [`Waiters::unlink`].
    unsafe fn link(&mut self, waiter: *const Waiter<'static>) {
        let head = self.head();
        // SAFETY: `waiter` is valid by the safety requirements, the head because it is on the list.
        unsafe {
            (*waiter).next.set(head);
            if let Some(head) = head.as_ref() {
                head.prev.set(waiter);
            }
        }
        self.set_head(waiter);
    }

    /// Takes a waiter off the list.
    ///
    /// # Safety
    ///
    /// It must be on the list.
    unsafe fn unlink(&mut self, waiter: *const Waiter<'static>) {
        // SAFETY: It and its neighbours are on the list.
        unsafe {
            let (prev, next) = ((*waiter).prev.get(), (*waiter).next.get());
            match prev.as_ref() {
                Some(prev) => prev.next.set(next),
                None => self.set_head(next),
            }
            if let Some(next) = next.as_ref() {
                next.prev.set(prev);
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Waiter<'static>> {
        let mut next = self.head();
        core::iter::from_fn(move || {
            // SAFETY: What is on the list is live.
            let waiter = unsafe { next.as_ref() }?;
            next = waiter.next.get();
            Some(waiter)
        })
    }

    /// Returns what makes `waiter` depend on `task`, if it does: a slot, or the gate.
    fn depends<'l>(
        &'l self,
        waiter: &'l Waiter<'static>,
        task: TaskId,
    ) -> Option<Option<&'l Slot>> {
        match waiter.what {
            What::Count => {
                let parked = waiter.table.owed_by(&self.0, Owes::Reference, task);
                parked.map(Some)
            }
            What::Gate | What::Turn => {
                let closed = waiter.table.is_closed_by(&self.0, task);
                closed.then_some(None)
            }
        }
    }

    /// Returns who closes a cycle of dependencies that begins with `first`.
    fn search<'l>(&'l self, first: &'l Waiter<'static>) -> Option<&'l Waiter<'static>> {
        for waiter in self.iter() {
            waiter.found_by.set(ptr::null());
        }
        first.todo.set(ptr::null());
        let mut todo = ptr::from_ref(first);
        // SAFETY: What is to be looked at is on the list.
        while let Some(waiter) = unsafe { todo.as_ref() } {
            todo = waiter.todo.get();
            if self.depends(waiter, first.task).is_some() {
                return Some(waiter);
            }
            for other in self.iter() {
                if other.found_by.get().is_null()
                    && !ptr::eq(other, first)
                    && self.depends(waiter, other.task).is_some()
                {
                    other.found_by.set(waiter);
                    other.todo.set(todo);
                    todo = other;
                }
            }
        }
        None
    }

    /// Says in the log who depends on whom, from who was found last to who began.
    fn report(&self, last: &Waiter<'static>, first: &Waiter<'static>) {
        pr_warn!("a wait for a drain could not end:\n");
        let (mut waiter, mut on) = (last, first.task);
        loop {
            let comm = waiter.comm();
            let len = comm.iter().position(|byte| *byte == 0).unwrap_or(0);
            let comm = core::str::from_utf8(&comm[..len]).unwrap_or("?");
            match self.depends(waiter, on).flatten() {
                Some(slot) => pr_warn!(
                    "  {} {} waits for drain \"{}\": a reference is parked on task {}, since {}:{}\n",
                    comm,
                    waiter.task.pid,
                    waiter.name,
                    on.pid,
                    slot.place.file(),
                    slot.place.line
                ),
                None if waiter.what == What::Turn => pr_warn!(
                    "  {} {} waits for its turn at drain \"{}\": task {} has it\n",
                    comm,
                    waiter.task.pid,
                    waiter.name,
                    on.pid
                ),
                None => pr_warn!(
                    "  {} {} waits at the gate of drain \"{}\": task {} has shut it\n",
                    comm,
                    waiter.task.pid,
                    waiter.name,
                    on.pid
                ),
            }
            on = waiter.task;
            // SAFETY: Who has found somebody is on the list.
            match unsafe { waiter.found_by.get().as_ref() } {
                Some(by) => waiter = by,
                None => break,
            }
        }
    }
}

/// Returns how many tasks wait for the drain of `table`, or at its gate.
pub(super) fn waiters(table: &Table) -> usize {
    let waiters = Waiters::lock();
    let theirs = waiters.iter().filter(|other| ptr::eq(other.table, table));
    theirs.count()
}

/// Calls `sleep` with the calling task on the list of those who wait.
///
/// # Errors
///
/// [`DrainError::Deadlock`], without calling it, if the wait could not end. The log says why.
pub(super) fn waiting<R>(
    table: &Table,
    what: What,
    name: &'static CStr,
    sleep: impl FnOnce() -> Result<R, DrainError>,
) -> Result<R, DrainError> {
    let waiter = Waiter {
        next: Cell::new(ptr::null()),
        prev: Cell::new(ptr::null()),
        task: TaskId::current(),
        raw: Task::current_raw(),
        table,
        what,
        name,
        found_by: Cell::new(ptr::null()),
        todo: Cell::new(ptr::null()),
    };
    // The lifetime is that of this function, which takes it off the list.
    let entry = ptr::from_ref(&waiter).cast::<Waiter<'static>>();
    let mut waiters = Waiters::lock();
    // SAFETY: It is taken off the list before this function returns, and what is called in between
    // does not unwind.
    unsafe { waiters.link(entry) };
    // SAFETY: It is on the list.
    let first = unsafe { &*entry };
    let cycle = waiters.search(first);
    if let Some(last) = cycle {
        waiters.report(last, first);
    }
    let ended = if cycle.is_some() {
        Err(DrainError::Deadlock)
    } else {
        drop(waiters);
        let ended = sleep();
        waiters = Waiters::lock();
        ended
    };
    // SAFETY: It was put on the list above.
    unsafe { waiters.unlink(entry) };
    ended
}
