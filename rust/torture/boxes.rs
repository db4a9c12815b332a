// SPDX-License-Identifier: GPL-2.0

//! Broken wake-ups in C, for the rows that have to fail: see `busted.c`.

use baton::MaySleep;
use core::ptr::NonNull;
use kernel::{
    error::to_result,
    ffi::{
        c_int,
        c_uint, //
    },
    prelude::*, //
};

/// `enum baton_fault`, as in `torture.h`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    Dropped,
    Early,
    Signal,
    Key,
    Holding,
    Late,
    Claim,
    Pin,
    Owners,
    Parked,
}

/// `struct baton_boxes`.
#[repr(C)]
struct RawBoxes {
    _private: [u8; 0],
}

extern "C" {
    fn baton_boxes_new(fault: c_int) -> *mut RawBoxes;
    fn baton_boxes_free(boxes: *mut RawBoxes);
    fn baton_boxes_close(boxes: *mut RawBoxes);
    fn baton_boxes_put(boxes: *mut RawBoxes, key: c_uint, value: u64) -> c_int;
    fn baton_boxes_take(
        boxes: *mut RawBoxes,
        key: c_uint,
        waiter: c_uint,
        value: *mut u64,
    ) -> c_int;
    fn baton_boxes_left(boxes: *mut RawBoxes, sum: *mut u64) -> u64;
    fn baton_boxes_try_own(boxes: *mut RawBoxes) -> bool;
    fn baton_boxes_disown(boxes: *mut RawBoxes);
    fn baton_boxes_find(boxes: *mut RawBoxes, node: c_uint) -> u64;
    fn baton_boxes_look(boxes: *mut RawBoxes, node: c_uint) -> u64;
    fn baton_boxes_unpin(boxes: *mut RawBoxes, node: c_uint);
    fn baton_boxes_reuse(boxes: *mut RawBoxes, node: c_uint, who: u64) -> bool;
}

/// Boxes with a value each, and the tasks that wait for them.
///
/// # Invariants
///
/// It was made by `baton_boxes_new()`, and is freed by `drop()` only.
pub(crate) struct Boxes(NonNull<RawBoxes>);

// SAFETY: All of it is under a lock, or broken in a way that has no undefined behaviour.
unsafe impl Send for Boxes {}

// SAFETY: As above.
unsafe impl Sync for Boxes {}

impl Boxes {
    pub(crate) fn new(fault: Fault) -> Result<Self> {
        // SAFETY: It allocates. CAST: The numbers are those of `torture.h`.
        let boxes = unsafe { baton_boxes_new(fault as c_int) };
        // INVARIANT: It was made just now.
        NonNull::new(boxes).map(Self).ok_or(ENOMEM)
    }

    /// Ends all waits.
    pub(crate) fn close(&self) {
        // SAFETY: By the type invariants.
        unsafe { baton_boxes_close(self.0.as_ptr()) };
    }

    /// Waits for the box to be empty, and puts a value into it.
    pub(crate) fn put(&self, _cx: &mut MaySleep, key: u32, value: u64) -> Result {
        // SAFETY: By the type invariants; the caller may sleep.
        to_result(unsafe { baton_boxes_put(self.0.as_ptr(), key, value) })
    }

    /// Waits for the box to be full, and takes the value out of it.
    pub(crate) fn take(&self, _cx: &mut MaySleep, key: u32, waiter: u32) -> Result<u64> {
        let mut value = 0;
        // SAFETY: By the type invariants; the caller may sleep, and the value is valid for writes.
        to_result(unsafe { baton_boxes_take(self.0.as_ptr(), key, waiter, &mut value) })?;
        Ok(value)
    }

    /// Returns how many values are left, and their sum.
    pub(crate) fn left(&self) -> (u64, u64) {
        let mut sum = 0;
        // SAFETY: By the type invariants; the sum is valid for writes.
        let count = unsafe { baton_boxes_left(self.0.as_ptr(), &mut sum) };
        (count, sum)
    }

    /// Takes them for the caller alone, if nobody has them.
    pub(crate) fn try_own(&self) -> bool {
        // SAFETY: By the type invariants.
        unsafe { baton_boxes_try_own(self.0.as_ptr()) }
    }

    pub(crate) fn disown(&self) {
        // SAFETY: By the type invariants.
        unsafe { baton_boxes_disown(self.0.as_ptr()) };
    }

    /// Finds a node, and pins it; returns who it is.
    pub(crate) fn find(&self, node: u32) -> u64 {
        // SAFETY: By the type invariants.
        unsafe { baton_boxes_find(self.0.as_ptr(), node) }
    }

    /// Returns who a node is now.
    pub(crate) fn look(&self, node: u32) -> u64 {
        // SAFETY: By the type invariants.
        unsafe { baton_boxes_look(self.0.as_ptr(), node) }
    }

    pub(crate) fn unpin(&self, node: u32) {
        // SAFETY: By the type invariants.
        unsafe { baton_boxes_unpin(self.0.as_ptr(), node) };
    }

    /// Makes another node of it, unless somebody has it pinned.
    pub(crate) fn reuse(&self, node: u32, who: u64) -> bool {
        // SAFETY: By the type invariants.
        unsafe { baton_boxes_reuse(self.0.as_ptr(), node, who) }
    }
}

impl Drop for Boxes {
    fn drop(&mut self) {
        // SAFETY: By the type invariants; nobody has it any more.
        unsafe { baton_boxes_free(self.0.as_ptr()) };
    }
}
