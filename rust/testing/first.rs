// SPDX-License-Identifier: GPL-2.0

//! For tests: what runs before what, and what does not run any more.

use crate::{
    ffi,
    level::Level,
    MaySleep, //
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    task::Task, //
};

/// Does `body` on that CPU, before every task there that is not real-time.
///
/// Such a task runs when this one sleeps, and is put aside as soon as it has woken this one, on a kernel with
/// preemption: in the middle of what it does after that.
///
/// Context: may sleep; a task that may run on each CPU, which it may afterwards again.
///
/// # Errors
///
/// `EINVAL` if the CPU is not online. `body` is not done then.
///
/// # Examples
///
/// ```
/// use baton::{testing, MaySleep};
///
/// let cx = &mut MaySleep::assert();
/// assert_eq!(testing::first_on(cx, 0, |_| 7), Ok(7));
/// ```
#[doc(alias("sched_set_fifo_low", "SCHED_FIFO"))]
pub fn first_on<C: Level, R>(
    cx: &mut MaySleep<C>,
    cpu: u32,
    body: impl FnOnce(&mut MaySleep<C>) -> R,
) -> Result<R> {
    stay_on(cx, cpu)?;
    // SAFETY: The calling task is its own; ended below.
    unsafe { ffi::baton_test_first_begin() };
    let result = body(cx);
    // SAFETY: Begun above.
    unsafe { ffi::baton_test_first_end() };
    Ok(result)
}

/// Keeps the calling task on that CPU from here on.
///
/// Context: may sleep.
///
/// # Errors
///
/// `EINVAL` if the CPU is not online.
///
/// # Examples
///
/// ```
/// use baton::{testing, MaySleep, Thread};
///
/// let cx = &mut MaySleep::assert();
/// let thread = Thread::spawn(cx, c"baton_example", |cx, _| {
///     let _ = testing::stay_on(cx, 0);
/// })?;
/// thread.join(cx)?;
/// # Ok::<(), kernel::error::Error>(())
/// ```
#[doc(alias = "set_cpus_allowed_ptr")]
pub fn stay_on<C: Level>(_cx: &mut MaySleep<C>, cpu: u32) -> Result {
    // SAFETY: The caller may sleep, by its capability; the number is checked there.
    to_result(unsafe { ffi::baton_test_stay_on(cpu) })
}

/// Returns whether a task exits or has exited, and so does nothing of its own any more.
///
/// Context: any.
///
/// # Examples
///
/// ```
/// use baton::testing;
/// use kernel::current;
///
/// assert!(!testing::is_exiting(current!()));
/// ```
#[doc(alias = "PF_EXITING")]
pub fn is_exiting(task: &Task) -> bool {
    // SAFETY: The task is valid; it is a word that the task itself changes.
    let flags = unsafe { (&raw const (*task.as_ptr()).flags).read_volatile() };
    flags & bindings::PF_EXITING != 0
}

/// Returns how many processes, kernel threads among them, have that name.
///
/// Context: any.
///
/// # Examples
///
/// ```
/// use baton::testing;
///
/// assert!(testing::tasks_named(c"kthreadd") > 0);
/// ```
#[doc(alias("for_each_process", "comm"))]
pub fn tasks_named(name: &CStr) -> usize {
    // SAFETY: The name is valid, and ends with a null.
    unsafe { ffi::baton_test_tasks_named(name.as_char_ptr()) as usize }
}
