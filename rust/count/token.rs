// SPDX-License-Identifier: GPL-2.0

//! What is counted, as a value: who has it counts down, and who has none cannot.

use super::{
    cell::{
        Cell,
        CellPtr, //
    },
    word, //
};
use crate::registry::{
    self,
    Kind, //
};
use core::mem;
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// There is no room for one more: the number is [`MAX`](super::MAX).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

impl From<Overflow> for Error {
    fn from(_: Overflow) -> Self {
        EOVERFLOW
    }
}

/// One of those that are counted, in nobody's hands in particular.
///
/// Dropping it counts down, in any task and any context, hard interrupts included: one atomic operation, and
/// nothing else unless somebody waits for the number that is reached. After that nothing of the count is
/// touched, so that whoever waited can free it. To count down twice does not compile, nor does counting down
/// what was not counted up: there is no other way to get one.
///
/// Who has it is not known: it can be moved without a word. So a task that keeps it and waits for less waits for
/// itself, and is not refused; the [registry](crate::registry) shows it as a sleeper that owes its own
/// wake-up. What stays with the task is an [`Active`](super::Active) one, with which that does not compile.
///
/// `mem::forget` leaks what it counts: the number does not come down any more, waits for less do not end but by
/// their mode, and a little memory is lost. The registry names the task that has counted up, and where.
///
/// # Invariants
///
/// It is counted in `cell`, which is valid because of that.
#[must_use = "it is counted down immediately when this is unused"]
pub struct Counted {
    cell: CellPtr,
}

impl Counted {
    /// The caller has counted up in `cell`.
    #[inline]
    #[track_caller]
    pub(super) fn new(cell: CellPtr) -> Self {
        registry::owe(Kind::Count, cell.object());
        // INVARIANT: By what the caller has done.
        Self { cell }
    }

    /// Counts down, and tells those who wait for the number that is reached.
    ///
    /// Context: any.
    #[doc(alias("atomic_dec_and_wake_up", "wake_up_var", "scsi_dec_host_busy"))]
    #[inline]
    pub fn down(self) {
        drop(self);
    }

    /// Takes it out of the number, and keeps it: it exists, and does not run.
    ///
    /// For "every command that is busy has failed", which is that none runs any more; for "all that is pending is
    /// in the queue of this thread". What the caller has done before is seen by who waits for the number that
    /// is reached, so whoever puts it on a list does that first.
    ///
    /// Context: any.
    #[doc(alias("scsi_eh_scmd_add", "host_failed", "nr_queued"))]
    pub fn set_aside(self) -> Aside {
        let cell = self.cell.keep();
        cell.goes_aside(true);
        drop(self);
        Aside { cell }
    }
}

impl Drop for Counted {
    #[inline]
    fn drop(&mut self) {
        registry::paid(self.cell.object());
        // It is used no more by this one.
        word::down(self.cell);
    }
}

const _: () = assert!(mem::size_of::<Counted>() == mem::size_of::<usize>());

/// One that was counted, and was set aside: see [`Counted::set_aside`].
///
/// Dropping it ends it: it is not counted again. `mem::forget` leaks a little memory, and
/// [`Count::aside`](super::Count::aside) is one too many from then on. No wait depends on it, that of the same task neither.
#[must_use = "what was set aside is forgotten immediately when this is unused"]
pub struct Aside {
    cell: Arc<Cell>,
}

impl Aside {
    /// Counts it again.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// It comes back if the count is gone, or has no room.
    #[track_caller]
    pub fn resume(self) -> Result<Counted, Self> {
        match Cell::resume(&self.cell) {
            // Dropping `self` says that it is not aside any more.
            Some(cell) => Ok(Counted::new(cell)),
            None => Err(self),
        }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        self.cell.goes_aside(false);
    }
}
