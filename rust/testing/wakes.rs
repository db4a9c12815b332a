// SPDX-License-Identifier: GPL-2.0

//! For tests: whom a task wakes, and how.

use crate::{
    ffi,
    level::Level,
    MaySleep, //
};
use core::ptr;
use kernel::error::to_result;

/// How a task has woken others for this library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wakes {
    /// How many there were.
    pub all: usize,
    /// How many of them with preemption disabled, before the wake-up itself.
    pub not_preemptible: usize,
}

/// Does `body`, and counts whom the calling task wakes in it.
///
/// Nothing is counted by a kernel without trace points (`CONFIG_TRACEPOINTS`): [`None`].
///
/// Context: may sleep.
///
/// # Examples
///
/// ```
/// use baton::{testing, MaySleep};
///
/// let cx = &mut MaySleep::assert();
/// let ((), seen) = testing::wakes(cx, |_| ());
/// assert!(seen.is_none_or(|seen| seen.all == 0));
/// ```
pub fn wakes<C: Level, R>(
    cx: &mut MaySleep<C>,
    body: impl FnOnce(&mut MaySleep<C>) -> R,
) -> (R, Option<Wakes>) {
    let mut seen = ffi::BatonWakes {
        task: ptr::null_mut(),
        all: 0,
        not_preemptible: 0,
    };
    let seen = &raw mut seen;
    // SAFETY: It is valid until the end, below. The caller may sleep.
    if to_result(unsafe { ffi::baton_wakes_begin(seen) }).is_err() {
        return (body(cx), None);
    }
    let result = body(cx);
    // SAFETY: Begun above; nobody counts any more when this returns.
    let (all, not_preemptible) = unsafe {
        ffi::baton_wakes_end(seen);
        ((*seen).all, (*seen).not_preemptible)
    };
    let seen = Wakes {
        all,
        not_preemptible,
    };
    (result, Some(seen))
}

/// Does `body`, and counts whom the task of the test wakes in it with the hint that it is about to sleep.
///
/// Context: may sleep; the task of a KUnit test. In any other one nothing is counted: [`None`].
///
/// # Examples
///
/// ```
/// use baton::{testing, MaySleep};
///
/// let cx = &mut MaySleep::assert();
/// let ((), seen) = testing::sync_wakes(cx, |_| ());
/// assert!(seen.is_none_or(|seen| seen == 0));
/// ```
#[doc(alias("WF_SYNC", "KUNIT_STATIC_STUB_REDIRECT"))]
pub fn sync_wakes<C: Level, R>(
    cx: &mut MaySleep<C>,
    body: impl FnOnce(&mut MaySleep<C>) -> R,
) -> (R, Option<usize>) {
    let mut seen = 0;
    let seen = &raw mut seen;
    // SAFETY: It is valid until the end, below.
    if to_result(unsafe { ffi::baton_sync_wakes_begin(seen) }).is_err() {
        return (body(cx), None);
    }
    let result = body(cx);
    // SAFETY: Begun above, by this task; nobody else counts.
    let seen = unsafe {
        ffi::baton_sync_wakes_end();
        *seen
    };
    (result, Some(seen))
}
