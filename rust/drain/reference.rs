// SPDX-License-Identifier: GPL-2.0

//! References that were handed over: anybody ends them, or one task has undertaken to.

use super::cell::CellPtr;
use crate::registry;
use core::{
    mem::{
        self,
        ManuallyDrop, //
    },
    panic::Location, //
};
use kernel::prelude::*;

/// A reference that is in nobody's hands in particular: something that has begun and not ended.
///
/// It may be ended by any task, and in any context: hard and soft interrupts, work, tasks. After that
/// nothing of the drain is touched, so that whoever waited can free it. Dropping it ends it.
///
/// Who has it is not known: it can be moved without a word. So a task that keeps it and waits for the
/// drain waits for itself, and is not refused; the [registry](crate::registry) shows it as a sleeper
/// that owes its own wake-up. What stays with the task that has begun it is an
/// [`Active`](super::Active) reference, with which that does not compile; what only one task will end
/// is to be [parked](InFlight::park).
///
/// `mem::forget` leaks the count: waits do not end but by their mode, and memory is lost.
///
/// # Invariants
///
/// It is counted in `cell`, which is valid because of that.
#[must_use = "the reference ends immediately when this is unused"]
pub struct InFlight {
    cell: CellPtr,
}

impl InFlight {
    /// The caller has counted the reference in `cell`.
    #[inline]
    pub(super) fn new(cell: CellPtr) -> Self {
        // INVARIANT: By what the caller has done.
        Self { cell }
    }

    /// Ends it, and wakes who waits if it was the last one.
    ///
    /// Context: any.
    #[doc(alias("inode_dio_end", "blk_queue_exit"))]
    #[inline]
    pub fn end(self) {
        drop(self);
    }

    /// Says that only the calling task will end it.
    ///
    /// For completions whose context is known at run time only: task work, a queue that its owner
    /// polls. Until the reference is [taken up](Parked::take) again, a wait for the drain fails at once
    /// if this task can end it only after that wait: the wait of this task itself, and that of a task
    /// for which this task waits, through any number of others.
    ///
    /// Context: a task.
    ///
    /// # Errors
    ///
    /// The reference, if as many are parked as the drain can remember: end it otherwise.
    #[track_caller]
    #[doc(alias = "task_work_add")]
    pub fn park(self) -> Result<Parked, Self> {
        match self.cell.park(Location::caller()) {
            Some(slot) => Ok(Parked {
                reference: ManuallyDrop::new(self),
                slot,
            }),
            None => Err(self),
        }
    }
}

impl Drop for InFlight {
    #[inline]
    fn drop(&mut self) {
        registry::paid(self.cell.count_object());
        self.cell.end();
    }
}

const _: () = assert!(mem::size_of::<InFlight>() == mem::size_of::<usize>());

/// A reference that one task has undertaken to end: see [`InFlight::park`].
///
/// Dropping it ends it, on whichever task that happens, in any context. `mem::forget` is as for
/// [`InFlight`]. A wait for the drain by the same task is `EDEADLK` as long as it exists, and for ever if it
/// was forgotten.
#[must_use = "the reference ends immediately when this is unused"]
pub struct Parked {
    reference: ManuallyDrop<InFlight>,
    slot: usize,
}

impl Parked {
    /// Takes the reference up again, to end it, or to hand it on.
    ///
    /// Context: any.
    pub fn take(self) -> InFlight {
        let mut this = ManuallyDrop::new(self);
        this.reference.cell.unpark(this.slot);
        // SAFETY: `this` is not used any more, and not dropped.
        unsafe { ManuallyDrop::take(&mut this.reference) }
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        self.reference.cell.unpark(self.slot);
        // SAFETY: This is the end of `self`.
        unsafe { ManuallyDrop::drop(&mut self.reference) };
    }
}
