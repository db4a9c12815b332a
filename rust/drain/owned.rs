// SPDX-License-Identifier: GPL-2.0

//! A gate that stays shut when the task that has shut it goes away.

use super::{
    cell::CellPtr,
    error::DrainError,
    gate::Drain, //
};
use crate::{
    context::MaySleep,
    event::ModeAt,
    level::{
        After,
        Level,
        Unordered, //
    },
};
use kernel::sync::{
    Arc,
    ArcBorrow, //
};

/// The gate of a [`Drain`], shut by nobody in particular: see [`Drain::shut_owned`].
///
/// Dropping it opens the gate, in any task and any context. `mem::forget` is as for
/// [`Shut`](super::Shut), and leaks the drain. The task that has shut it, and waits at the gate itself, waits
/// until another one opens it, and the log says so.
///
/// # Invariants
///
/// The gate of `drain` was shut for this.
#[must_use = "the gate opens immediately when this is unused"]
pub struct OwnedShut<L: Level = Unordered> {
    drain: Arc<Drain<L>>,
}

impl<L: Level> Drain<L> {
    /// As [`Drain::shut`], for a gate that outlives what shuts it: a control file that is written once
    /// to freeze, and once more to thaw.
    ///
    /// It borrows nothing, because it is in nobody's hands: what is taken while it is shut is not
    /// compared with the level, neither by the types nor by lockdep. Use [`Drain::shut`] where the gate
    /// is opened by the function that has shut it.
    ///
    /// Context: may sleep. What the task holds stands above the drain: `L: After<C>`.
    ///
    /// # Errors
    ///
    /// As [`Drain::shut`].
    #[doc(alias("blk_freeze_queue_start_non_owner", "freeze_super"))]
    #[track_caller]
    pub fn shut_owned<C: Level, M: ModeAt<C>>(
        this: ArcBorrow<'_, Self>,
        cx: &mut MaySleep<C>,
        mode: M,
    ) -> Result<OwnedShut<L>, DrainError>
    where
        L: After<C>,
    {
        this.not_mine()?;
        this.map.wait();
        this.shut_gate(cx, mode)?;
        this.cell.disown_gate();
        // INVARIANT: It was shut right now.
        Ok(OwnedShut { drain: this.into() })
    }
}

impl<L: Level> OwnedShut<L> {
    /// Waits until nothing is in flight: see [`Shut::wait`](super::Shut::wait).
    ///
    /// Context: may sleep. What the task holds stands above the drain: `L: After<C>`.
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn wait<C: Level, M: ModeAt<C>>(
        &self,
        cx: &mut MaySleep<C>,
        mode: M,
    ) -> Result<(), DrainError>
    where
        L: After<C>,
    {
        self.drain.wait_drained(cx, mode)
    }
}

impl<L: Level> Drop for OwnedShut<L> {
    fn drop(&mut self) {
        self.drain.open_gate(CellPtr::open);
    }
}
