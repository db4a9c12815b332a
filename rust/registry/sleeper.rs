// SPDX-License-Identifier: GPL-2.0

//! The records of those who sleep, on their own stacks.

use super::{
    ledger::{
        now,
        Locked, //
    },
    record::Record,
    switch::is_on, //
};
use crate::{
    about::About,
    trace, //
};
use core::mem::MaybeUninit;

/// Room for a record, and whether it is on the list.
///
/// # Invariants
///
/// If `linked`, the record is initialised and on the list.
struct Asleep {
    record: MaybeUninit<Record>,
    linked: bool,
}

impl Asleep {
    /// Notes that the calling task goes to sleep; since when, if it has been asleep before.
    ///
    /// # Safety
    ///
    /// `self` must not be moved afterwards, and be dropped by this task before it returns from where
    /// it is.
    #[cold]
    #[inline(never)]
    unsafe fn enter(&mut self, about: &About, since: &mut u64) {
        if *since == 0 {
            *since = now();
        }
        let record = self.record.write(Record::new(about, *since));
        // SAFETY: By the safety requirements the record stays where it is until it is dropped, which
        // takes it off the list.
        //
        // INVARIANT: It was written.
        self.linked = unsafe { Locked::new().link(record) };
    }

    #[cold]
    #[inline(never)]
    fn leave(&mut self) {
        // SAFETY: The callers have found it linked.
        unsafe { Locked::new().unlink(self.record.as_ptr()) };
        // INVARIANT: It is on no list.
        self.linked = false;
    }
}

impl Drop for Asleep {
    #[inline]
    fn drop(&mut self) {
        if self.linked {
            self.leave();
        }
    }
}

/// Returns whether anybody wants to know what a task is going to sleep on.
#[inline(always)]
pub(crate) fn is_wanted() -> bool {
    is_on() || trace::wait_is_on()
}

/// Sleeps by `sleep`, and lets it be known on what if anybody wants to know.
///
/// `since` is when the wait began, or 0 if it does now; it is set then.
#[inline]
pub(crate) fn asleep<R>(about: Option<&About>, since: &mut u64, sleep: impl FnOnce() -> R) -> R {
    // INVARIANT: It is not linked.
    let mut asleep = Asleep {
        record: MaybeUninit::uninit(),
        linked: false,
    };
    if let Some(about) = about {
        if is_on() {
            // SAFETY: It is dropped at the end of this function, and not moved.
            unsafe { asleep.enter(about, since) };
        }
        trace::wait(about);
    }
    sleep()
}
