// SPDX-License-Identifier: GPL-2.0

//! A gate that stays shut when the task that has shut it goes away.

use super::{
    Drain,
    DrainError, //
};
use crate::{
    context::MaySleep,
    event::Mode,
    level::Level, //
};
use kernel::sync::{
    Arc,
    ArcBorrow, //
};

/// The gate of a [`Drain`], shut by nobody in particular: see [`Drain::shut_owned`].
///
/// Dropping it opens the gate, in any task. `mem::forget` is as for [`Shut`](super::Shut), and leaks
/// the drain.
///
/// # Invariants
///
/// The gate of `drain` was shut for this.
#[must_use = "the gate opens immediately when this is unused"]
pub struct OwnedShut {
    drain: Arc<Drain>,
}

impl Drain {
    /// As [`Drain::shut`], for a gate that outlives what shuts it: a control file that is written once
    /// to freeze, and once more to thaw.
    ///
    /// A task that begins something while it has this is not told so, and waits: another one can open
    /// the gate.
    ///
    /// # Errors
    ///
    /// As [`Drain::shut`].
    #[doc(alias("blk_freeze_queue_start_non_owner", "freeze_super"))]
    #[track_caller]
    pub fn shut_owned<C: Level, M: Mode>(
        this: ArcBorrow<'_, Self>,
        cx: &mut MaySleep<C>,
        mode: M,
    ) -> Result<OwnedShut, DrainError> {
        this.not_mine()?;
        this.map.wait();
        this.shut_gate(cx, mode)?;
        this.cell.forget_closer();
        // INVARIANT: It was shut right now.
        Ok(OwnedShut { drain: this.into() })
    }
}

impl OwnedShut {
    /// Waits until nothing is in flight: see [`Shut::wait`](super::Shut::wait).
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn wait<C: Level, M: Mode>(&self, cx: &mut MaySleep<C>, mode: M) -> Result<(), DrainError> {
        self.drain.wait_drained(cx, mode)
    }
}

impl Drop for OwnedShut {
    fn drop(&mut self) {
        self.drain.open_gate();
    }
}
