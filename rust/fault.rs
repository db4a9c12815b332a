// SPDX-License-Identifier: GPL-2.0

//! Allocations that fail when a test says so.
//!
//! C header: [`include/linux/fault-inject.h`](srctree/include/linux/fault-inject.h)
//!
//! This is what `/proc/PID/fail-nth` is to user space, for tests in the kernel. What can sleep fails only
//! if `/sys/kernel/debug/failslab/ignore-gfp-wait` is `N`.

use kernel::task::Task;

/// Does `body`, in which the `nth` allocation of the calling task fails; tells whether there was one.
///
/// `nth` counts from 1. What other tasks and interrupts allocate meanwhile is not counted.
///
/// Context: task.
///
/// # Examples
///
/// ```
/// use baton::fault;
/// use kernel::prelude::*;
///
/// let (made, refused) = fault::nth_allocation(1, || KBox::new(7, GFP_KERNEL));
/// assert_eq!(refused, made.is_err());
/// ```
#[doc(alias("fail_nth", "fail-nth"))]
pub fn nth_allocation<R>(nth: u32, body: impl FnOnce() -> R) -> (R, bool) {
    // SAFETY: The calling task is valid.
    let counter = unsafe { &raw mut (*Task::current_raw()).fail_nth };
    // As `should_fail_ex()` does it: `/proc` may write to it meanwhile.
    // SAFETY: The calling task is valid, and so is what is in it.
    unsafe { counter.write_volatile(nth) };
    let result = body();
    // SAFETY: As above.
    let left = unsafe { counter.read_volatile() };
    // SAFETY: As above.
    unsafe { counter.write_volatile(0) };
    (result, left == 0)
}
