// SPDX-License-Identifier: GPL-2.0

//! What is in the ledger: nodes, and the objects that they are part of.

use crate::ffi;
use core::{
    cell::Cell,
    panic::Location,
    ptr, //
};
use kernel::{
    bindings,
    fmt,
    prelude::*,
    static_lock_class,
    str::CStr,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full,
            Relaxed, //
        },
        LockClassKey, //
    },
    types::Opaque, //
};

/// Whoever holds the handle has it.
pub(super) const LIVE: u32 = 0;
/// Who held the handle tears it down and frees it.
pub(super) const CLOSING: u32 = 1;
/// The handle was dropped: the reaper tears it down and frees it.
pub(super) const ABANDONED: u32 = 2;
/// Its module goes: the reaper tears it down, and who unloads the module frees it.
pub(super) const LEFT: u32 = 3;
/// As [`LEFT`], and it was torn down.
pub(super) const ENDED: u32 = 4;
/// It was torn down, and is being freed.
pub(super) const RELEASED: u32 = 5;

/// What the ledger does with an object, whatever its type.
pub(super) struct Vtable {
    pub(super) kind: &'static str,
    pub(super) in_order: &'static str,
    pub(super) may_be_dropped: bool,
    pub(super) tear_down: unsafe fn(*const Node),
    pub(super) is_down: unsafe fn(*const Node) -> bool,
    pub(super) report: unsafe fn(*const Node),
    pub(super) drop: unsafe fn(*const Node),
}

/// The part of an object that the ledger knows.
///
/// ```text
///           close()            torn down
///    LIVE ----------> CLOSING -----------.
///     | |  abandon()           torn down  v
///     | '------------> ABANDONED ----> RELEASED: freed by who has torn it down
///     |    going()          torn down
///     '--------------> LEFT ----> ENDED: freed by going(), when nothing of its module is left
/// ```
///
/// # Invariants
///
/// - It is on the list from when it is added until it is freed; `next`, `prev` and `named` are accessed under
///   the lock.
/// - Who has changed `state` from [`LIVE`] decides who tears the object down: nobody else does.
/// - The value is alive until `state` is [`RELEASED`].
#[pin_data]
#[repr(C)]
pub(super) struct Node {
    pub(super) next: Cell<*const Node>,
    pub(super) prev: Cell<*const Node>,
    pub(super) state: Atomic<u32>,
    /// When it was to be torn down, in jiffies.
    pub(super) since: Atomic<usize>,
    /// When it was last said that it does not end, in jiffies. Under the lock.
    pub(super) named: Cell<Option<usize>>,
    pub(super) vtable: &'static Vtable,
    code: *const (),
    place: &'static Location<'static>,
    name: [u8; NAME_LEN],
    #[pin]
    pub(super) work: Opaque<bindings::work_struct>,
}

const NAME_LEN: usize = 32;

/// An object: its node, and what it is.
#[pin_data]
#[repr(C)]
pub(super) struct Object<T> {
    // First, so that a pointer to the node is a pointer to the object.
    #[pin]
    node: Node,
    #[pin]
    value: T,
}

impl<T> Object<T> {
    pub(super) fn new(
        node: impl PinInit<Node>,
        value: impl PinInit<T, Error>,
    ) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            node <- node,
            value <- value,
        }? Error)
    }

    /// # Safety
    ///
    /// `node` must be that of a `Self` whose value is alive for `'a`.
    pub(super) unsafe fn value<'a>(node: *const Node) -> &'a T {
        // SAFETY: By the safety requirements. CAST: The node is the first field of a `repr(C)`.
        unsafe { &(*node.cast::<Self>()).value }
    }
}

/// The lock class of the reaper's work.
// Not generic and never inlined: there is one key, with one name.
#[inline(never)]
fn class() -> (&'static CStr, Pin<&'static LockClassKey>) {
    (c"baton_reap_work", static_lock_class!())
}

impl Node {
    /// Makes a node; `reap` is the reaper.
    #[inline(never)]
    pub(super) fn new(
        vtable: &'static Vtable,
        text: &CStr,
        code: *const (),
        place: &'static Location<'static>,
        reap: unsafe extern "C" fn(*mut bindings::work_struct),
    ) -> impl PinInit<Self> {
        let mut name = [0; NAME_LEN];
        for (to, from) in name[..NAME_LEN - 1].iter_mut().zip(text.to_bytes()) {
            *to = *from;
        }
        pin_init!(Self {
            next: Cell::new(ptr::null()),
            prev: Cell::new(ptr::null()),
            state: Atomic::new(LIVE),
            since: Atomic::new(0),
            named: Cell::new(None),
            vtable,
            code,
            place,
            name,
            work <- Opaque::ffi_init(|work| {
                let (name, key) = class();
                // SAFETY: `work` is valid for writes and will not move; name and key are static.
                unsafe {
                    bindings::init_work_with_key(
                        work,
                        Some(reap),
                        false,
                        name.as_char_ptr(),
                        key.as_ptr(),
                    )
                }
            }),
        })
    }

    /// Takes the node from who holds the handle, if nobody has done so.
    pub(super) fn claim(&self, by: u32) -> bool {
        if self.state.load(Relaxed) != LIVE {
            return false;
        }
        // Before others can see the state: `is_being_torn_down()`. Who loses has read the same clock.
        // SAFETY: Reads a clock.
        self.since.store(unsafe { ffi::baton_owner_now() }, Relaxed);
        if self.state.cmpxchg(LIVE, by, Full).is_err() {
            return false;
        }
        // SAFETY: The library is loaded, so the reaper exists.
        unsafe { ffi::baton_owner_expect() };
        true
    }

    /// Whether somebody tears the object down; then `since` says since when.
    pub(super) fn is_being_torn_down(&self) -> bool {
        // Who does so has not the lock of the ledger: pairs with the exchange in `claim()`.
        matches!(self.state.load(Acquire), CLOSING | ABANDONED | LEFT)
    }

    pub(super) fn belongs_to(&self, module: *const bindings::module) -> bool {
        // SAFETY: Compares addresses with those of a module that exists.
        unsafe {
            ffi::baton_owner_within(self.code.cast(), module)
                || ffi::baton_owner_within(ptr::from_ref(self.place).cast(), module)
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.name.iter().position(|byte| *byte == 0).unwrap_or(0);
        let name = core::str::from_utf8(&self.name[..len]).unwrap_or("?");
        let (kind, place) = (self.vtable.kind, self.place);
        write!(
            f,
            "{kind} '{name}', made at {}:{}",
            place.file(),
            place.line()
        )
    }
}
