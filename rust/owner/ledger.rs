// SPDX-License-Identifier: GPL-2.0

//! The ledger: a list of nodes, and who tears down what is on it.
//!
//! C source: `rust/helpers_owner.c`.

use super::node::{
    Node,
    ABANDONED,
    CLOSING,
    ENDED,
    LEFT,
    RELEASED, //
};
use crate::ffi;
use core::{
    cell::Cell,
    ptr, //
};
use kernel::{
    bindings,
    prelude::*,
    str::CStr,
    sync::atomic::{
        Acquire,
        Atomic,
        Relaxed,
        Release, //
    },
    types::Opaque, //
};

/// How many objects were dropped without having been torn down.
pub(super) static DROPPED: Atomic<usize> = Atomic::new(0);

/// How many of them the reaper has freed.
pub(super) static REAPED: Atomic<usize> = Atomic::new(0);

/// The list, for who holds the lock.
struct Ledger {
    head: Cell<*const Node>,
    going: Cell<*const Going>,
}

/// A module that is going: it cannot make anything any more.
struct Going {
    module: *const bindings::module,
    next: Cell<*const Going>,
}

// SAFETY: It is accessed through `Locked` only.
unsafe impl Sync for Ledger {}

static LEDGER: Ledger = Ledger {
    head: Cell::new(ptr::null()),
    going: Cell::new(ptr::null()),
};

/// The lock of the ledger, held.
struct Locked;

impl Locked {
    /// Context: may sleep. No code of a user runs while it is held, but for `Vtable::report`.
    fn new() -> Self {
        // SAFETY: The lock is static; released by `drop()`.
        unsafe { ffi::baton_owner_lock() };
        Self
    }

    fn head(&self) -> &Cell<*const Node> {
        &LEDGER.head
    }

    /// Calls `f` with every node, until it returns a value.
    fn find<R>(&self, mut f: impl FnMut(&Node) -> Option<R>) -> Option<R> {
        let mut next = self.head().get();
        // SAFETY: What is on the list is alive, by the invariants of `Node`; the lock is held.
        while let Some(node) = unsafe { next.as_ref() } {
            next = node.next.get();
            if let Some(result) = f(node) {
                return Some(result);
            }
        }
        None
    }

    /// # Safety
    ///
    /// `node` must be on the list, and nobody else must use it afterwards.
    unsafe fn remove(&self, node: *const Node) {
        // SAFETY: By the safety requirements; its neighbours are on the list as well.
        unsafe {
            let (prev, next) = ((*node).prev.get(), (*node).next.get());
            match prev.as_ref() {
                Some(prev) => prev.next.set(next),
                None => self.head().set(next),
            }
            if let Some(next) = next.as_ref() {
                next.prev.set(prev);
            }
        }
        // SAFETY: The lock is held.
        unsafe { ffi::baton_owner_end() };
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // SAFETY: Acquired by `new()`.
        unsafe { ffi::baton_owner_unlock() };
    }
}

/// Enters a node.
///
/// Context: may sleep.
///
/// # Errors
///
/// `ESHUTDOWN` if its module is going. The node was not entered then.
///
/// # Safety
///
/// `node` must be the first field of a pinned object from a `KBox`, which the ledger owns from now on.
#[inline(never)]
pub(super) unsafe fn add(node: *const Node) -> Result {
    let ledger = Locked::new();
    // SAFETY: `node` is valid by the safety requirements; what is on the lists is too, with the lock
    // held.
    unsafe {
        let mut going = LEDGER.going.get();
        while let Some(one) = going.as_ref() {
            if (*node).belongs_to(one.module) {
                return Err(ESHUTDOWN);
            }
            going = one.next.get();
        }
        let head = ledger.head().replace(node);
        (*node).next.set(head);
        if let Some(head) = head.as_ref() {
            head.prev.set(node);
        }
    }
    // INVARIANT: The node is the first one of the list.
    Ok(())
}

/// Tears an object down, and frees it.
///
/// Context: may sleep.
///
/// # Safety
///
/// The caller must hold the handle of the object, and not use it afterwards.
#[inline(never)]
pub(super) unsafe fn close(node: *const Node) {
    // SAFETY: The handle keeps it.
    if !unsafe { (*node).claim(CLOSING) } {
        // The module goes, and this is one of the tasks that it waits for: it frees the object when
        // this one is gone too.
        loop {
            // SAFETY: Reads a counter; before the state.
            let seen = unsafe { ffi::baton_owner_seen() };
            // SAFETY: As above.
            if unsafe { (*node).state.load(Acquire) } == ENDED {
                // B, pairs with A
                return;
            }
            // SAFETY: The caller may sleep.
            unsafe { ffi::baton_owner_wait(seen) };
        }
    }
    // SAFETY: This has changed the state from `LIVE`.
    unsafe {
        ((*node).vtable.tear_down)(node);
        release(node);
    }
}

/// Hands an object to the reaper.
///
/// Context: any.
///
/// # Safety
///
/// As for [`close`].
#[inline(never)]
pub(super) unsafe fn abandon(node: *const Node) {
    // SAFETY: The handle keeps it until the reaper has it.
    unsafe {
        if (*node).claim(ABANDONED) {
            if !(*node).vtable.may_be_dropped && !((*node).vtable.is_down)(node) {
                DROPPED.fetch_add(1, Relaxed);
            }
            ffi::baton_owner_reap((*node).work.get());
        }
    }
}

/// Frees an object that was torn down.
///
/// # Safety
///
/// The caller must have torn it down, after it had changed its state from `LIVE` to other than
/// [`LEFT`].
unsafe fn release(node: *const Node) {
    let ledger = Locked::new();
    // SAFETY: By the safety requirements nobody else frees it. From here on it is not reported.
    let vtable = unsafe {
        (*node).state.store(RELEASED, Relaxed);
        (*node).vtable
    };
    drop(ledger);
    // SAFETY: By the safety requirements. What the module waits for is the list, so its code is there
    // until `remove()`, which this function, and not code of the module, comes to.
    unsafe {
        (vtable.drop)(node);
        Locked::new().remove(node);
        bindings::kfree(node.cast());
    }
}

/// The reaper: tears down what was dropped, or left behind.
///
/// # Safety
///
/// `work` must be that of a node whose state is [`ABANDONED`] or [`LEFT`].
pub(super) unsafe extern "C" fn reap(work: *mut bindings::work_struct) {
    let work = Opaque::cast_from(work);
    // SAFETY: By the safety requirements.
    let node: *const Node = unsafe { kernel::container_of!(work, Node, work) };
    // SAFETY: It is freed below, or by who waits for `ENDED`.
    let this = unsafe { &*node };
    if this.state.load(Relaxed) == ABANDONED {
        // SAFETY: The value is alive until it is released below.
        let late = !this.vtable.may_be_dropped && !unsafe { (this.vtable.is_down)(node) };
        if late {
            let way = this.vtable.in_order;
            pr_warn!("{this}, was dropped without {way}: a worker tears it down\n");
        }
        // SAFETY: It is this worker that does so.
        unsafe {
            (this.vtable.tear_down)(node);
            release(node);
        }
        if late {
            REAPED.fetch_add(1, Relaxed);
        }
    } else {
        // SAFETY: As above.
        unsafe { (this.vtable.tear_down)(node) };
        let ledger = Locked::new();
        this.state.store(ENDED, Release); // A, pairs with B

        // SAFETY: The lock is held.
        unsafe { ffi::baton_owner_end() };
        drop(ledger);
    }
}

/// Returns for how many jiffies something has lasted that began at `since`.
///
/// Whoever tears something down does not ask for the lock, so it may have begun when `now` was read already:
///
/// ```text
///   watcher                                  who closes something
///   1 now = jiffies
///                                            2 since = jiffies, a tick later
///                                            3 state = CLOSING
///   4 sees 3: it began in the future
/// ```
const fn lasted(now: usize, since: usize) -> usize {
    // CAST: As `time_after()` does, which is right for half of what the clock counts.
    let ticks = now.wrapping_sub(since) as isize;
    if ticks > 0 {
        ticks as usize
    } else {
        0
    }
}

const _: () = assert!(lasted(7, 5) == 2 && lasted(1, usize::MAX) == 2 && lasted(5, 6) == 0);

/// Names what has been torn down for too long, every `patience` jiffies; returns when to look again, or 0
/// if nothing is being torn down.
///
/// # Safety
///
/// Called by C, from a worker.
#[no_mangle]
unsafe extern "C" fn baton_owner_watch(patience: usize) -> usize {
    // SAFETY: Reads a clock.
    let now = unsafe { ffi::baton_owner_now() };
    let mut next = 0;
    let _ = Locked::new().find(|node| -> Option<()> {
        if !node.is_being_torn_down() {
            return None;
        }
        let since = node.since.load(Relaxed);
        let mut quiet = lasted(now, node.named.get().unwrap_or(since));
        if quiet >= patience {
            let seconds = lasted(now, since) * ffi::BATON_OWNER_PATIENCE / patience.max(1);
            pr_warn!("{node}, has not ended for {seconds} s\n");
            // SAFETY: The value is alive: its state is changed to `RELEASED` under the lock.
            unsafe { (node.vtable.report)(node) };
            node.named.set(Some(now));
            quiet = 0;
        }
        let left = patience - quiet;
        if next == 0 || left < next {
            next = left;
        }
        None
    });
    next
}

/// Tears down what a module has left, and waits until nothing of it is there any more.
///
/// 1. What is left is given to the reaper; what somebody else tears down is waited for. Nothing new can
///    be made.
/// 2. When all of it was torn down, no code of the module runs. Then the values are dropped, and the
///    memory is freed after the last one: a value may have the handle of another object in it.
///
/// # Safety
///
/// Called by C, which may sleep, after the exit of `module` has run and before its memory is freed.
#[no_mangle]
unsafe extern "C" fn baton_owner_going(module: *const bindings::module) {
    let going = Going {
        module,
        next: Cell::new(ptr::null()),
    };
    let ledger = Locked::new();
    going.next.set(LEDGER.going.replace(&raw const going));
    drop(ledger);

    while tear_down_left(module) {}
    while let Some(node) = next_of(module, ENDED, RELEASED) {
        // SAFETY: It was torn down, and by the change of its state it is for this task to drop it.
        unsafe { ((*node).vtable.drop)(node) };
    }
    while let Some(node) = next_of(module, RELEASED, RELEASED) {
        // SAFETY: Its value was dropped above, and nothing that could use its handle runs any more.
        unsafe {
            Locked::new().remove(node);
            bindings::kfree(node.cast());
        }
    }

    let ledger = Locked::new();
    let mut link = &LEDGER.going;
    // SAFETY: What is on the list is alive: its task is in this function; the lock is held.
    while let Some(one) = unsafe { link.get().as_ref() } {
        if ptr::eq(one, &raw const going) {
            link.set(one.next.get());
            break;
        }
        link = &one.next;
    }
    drop(ledger);
}

/// Takes the next node of a module in a state, and changes that.
fn next_of(module: *const bindings::module, from: u32, to: u32) -> Option<*const Node> {
    Locked::new().find(|node| {
        if node.state.load(Relaxed) != from || !node.belongs_to(module) {
            return None;
        }
        node.state.store(to, Relaxed);
        Some(ptr::from_ref(node))
    })
}

/// Gives to the reaper what a module has left, and waits for something to end; returns false if all of
/// it has.
fn tear_down_left(module: *const bindings::module) -> bool {
    let mut waits = false;
    let ledger = Locked::new();
    let _ = ledger.find(|node| -> Option<()> {
        if !node.belongs_to(module) {
            return None;
        }
        if node.claim(LEFT) {
            // SAFETY: The value is alive until the reaper has torn it down.
            if !unsafe { (node.vtable.is_down)(node) } {
                // SAFETY: The module exists until this returns, and its name is a C string.
                let name = unsafe { CStr::from_char_ptr(ffi::baton_owner_name(module)) };
                pr_warn!("{node}, was left behind by {name}: a worker tears it down\n");
            }
            // SAFETY: By the change of its state it is for the reaper to tear it down.
            unsafe { ffi::baton_owner_reap(node.work.get()) };
        }
        waits |= node.state.load(Relaxed) != ENDED;
        None
    });
    // SAFETY: Reads a counter, which changes under the lock.
    let seen = unsafe { ffi::baton_owner_seen() };
    drop(ledger);
    if waits {
        // What takes too long is named by `baton_owner_watch()`.
        // SAFETY: The caller may sleep.
        unsafe { ffi::baton_owner_wait(seen) };
    }
    waits
}
