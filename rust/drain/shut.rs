// SPDX-License-Identifier: GPL-2.0

//! The gate of a drain, shut by a task: alone, or together with others.

use super::{
    error::DrainError,
    gate::Drain, //
};
use crate::{
    context::{
        Borrowed,
        MaySleep, //
    },
    event::{
        freezes,
        ModeAt, //
    },
    level::{
        After,
        Level,
        Unordered, //
    },
    wait_map::Holding, //
};
use core::{
    marker::PhantomData,
    panic::Location, //
};
use kernel::types::NotThreadSafe;

impl<L: Level> Drain<L> {
    /// Shuts the gate, when nobody else has: what is returned is the permission to wait.
    ///
    /// Context: may sleep. What the task holds stands above the drain: `L: After<C>`. A task with an
    /// [`Active`](super::Active) reference has lent its capability to it, and cannot come here.
    ///
    /// # Errors
    ///
    /// As [`Drain::begin_when_open`].
    #[doc(alias = "blk_freeze_queue_start")]
    #[track_caller]
    pub fn shut<'d, 'c, C: Level, M: ModeAt<C>>(
        &'d self,
        cx: &'c mut MaySleep<C>,
        mode: M,
    ) -> Result<Shut<'d, 'c, L>, DrainError>
    where
        L: After<C>,
    {
        self.not_mine()?;
        // From before the wait for the gate: with what is held now, and until it is open again. Who can be
        // frozen in the wait holds nothing, and must not seem to.
        let holding = (!freezes::<M>()).then(|| self.map.hold());
        self.shut_gate(cx, mode)?;
        let holding = holding.unwrap_or_else(|| self.map.hold());
        // INVARIANT: This task has shut the gate.
        Ok(Shut::new(self, Held::Alone, Some(holding)))
    }

    /// Shuts the gate, together with others: it is open again when the last of them has let go.
    ///
    /// For what needs that nothing is in flight, and not that nobody else needs that too: each task has a
    /// [`Shut`] of its own, and waits for itself. What two of them must not do at the same time needs a lock.
    /// A task that has the gate with others may shut it once more, from further down. Who wants the gate for
    /// itself by [`Drain::shut`] waits until all of these have let go, and may starve; and the other way round.
    ///
    /// Context: may sleep. What the task holds stands above the drain: `L: After<C>`.
    ///
    /// # Errors
    ///
    /// As [`Drain::begin_when_open`]. Of those who have it at the same time, and of parked references, sixteen
    /// are known in all: a task that waits at the gate for one that is not known may wait for itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use baton::drain::{new_drain, Drain, DrainError};
    /// use baton::event::Killable;
    /// use baton::MaySleep;
    /// use kernel::prelude::*;
    ///
    /// /// Changes a limit, which nobody reads meanwhile.
    /// fn change(drain: &Drain, cx: &mut MaySleep) -> Result<(), DrainError> {
    ///     let mut frozen = drain.shut_nested(cx, Killable)?;
    ///     frozen.wait(Killable)?;
    ///     // Another task may be here as well, for another limit.
    ///     Ok(())
    /// }
    ///
    /// let cx = &mut MaySleep::assert();
    /// let drain = KBox::pin_init(new_drain!("example"), GFP_KERNEL)?;
    /// change(&drain, cx)?;
    /// assert!(drain.begin(cx).is_ok());
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias("mq_freeze_depth", "blk_mq_freeze_queue", "blk_mq_unfreeze_queue"))]
    #[track_caller]
    pub fn shut_nested<'d, 'c, C: Level, M: ModeAt<C>>(
        &'d self,
        cx: &'c mut MaySleep<C>,
        mode: M,
    ) -> Result<Shut<'d, 'c, L>, DrainError>
    where
        L: After<C>,
    {
        let deeper = self.cell.is_nested_by_me();
        if !deeper {
            self.not_mine()?;
        }
        // Lockdep knows it already of a task that shuts it once more. As above of one that can be frozen.
        let holding = (!deeper && !freezes::<M>()).then(|| self.map.hold());
        self.cell
            .wait_open(cx, mode, self.name, |cell| cell.shut_nested())?;
        let holding = holding.or_else(|| (!deeper).then(|| self.map.hold()));
        let note = self.cell.note_nested(Location::caller());
        self.has_gate();
        // INVARIANT: This task is one of those who have shut the gate.
        Ok(Shut::new(self, Held::Together { note }, holding))
    }
}

/// The gate of a [`Drain`], shut: no reference begins, and the ones there are can be waited for.
///
/// It has borrowed the capability of the task, and hands out a lower one, so that nothing is taken with
/// the gate shut that who begins may hold. Dropping it opens the gate, in any context, unless others have it
/// shut [as well](Drain::shut_nested). `mem::forget`
/// leaves the gate shut: whoever wants to begin gets an error, or waits in the way that was asked for. To
/// begin or to shut once more does not compile; the same task that comes in again from outside, as in a
/// page fault, gets `EDEADLK`.
///
/// To lockdep it is a lock that this task holds, and that everybody who begins holds shared. The block
/// layer tells it the same about a freeze.
///
/// # Invariants
///
/// The task that has it has shut the gate of `drain`, as `held` says.
#[must_use = "the gate opens immediately when this is unused"]
pub struct Shut<'d, 'c, L: Level = Unordered> {
    drain: &'d Drain<L>,
    held: Held,
    // Dropped after the gate was opened.
    _holding: Option<Holding<'d>>,
    inner: MaySleep<L>,
    _borrowed: Borrowed<'c>,
    // The drain knows by task who has shut it.
    _not_send: PhantomData<NotThreadSafe>,
}

/// How the gate is held.
enum Held {
    /// By one task.
    Alone,
    /// By this task and others; `note` is where the drain knows this one, if there was room.
    Together { note: Option<usize> },
}

impl<'d, L: Level> Shut<'d, '_, L> {
    fn new(drain: &'d Drain<L>, held: Held, holding: Option<Holding<'d>>) -> Self {
        Self {
            drain,
            held,
            _holding: holding,
            inner: MaySleep::while_held(),
            _borrowed: Borrowed::new(),
            _not_send: PhantomData,
        }
    }
}

impl<L: Level> Shut<'_, '_, L> {
    /// Waits until nothing is in flight.
    ///
    /// Context: may sleep. Nothing that was taken with the gate shut is held: it has borrowed this.
    /// What the task holds besides stands above the drain, and who has a reference takes nothing of it.
    ///
    /// # Errors
    ///
    /// [`DrainError::Deadlock`], at once and with a warning that names everybody concerned, if a
    /// reference is parked on this very task, or on one that waits for this task in turn; what `mode`
    /// allows for.
    #[doc(alias(
        "inode_dio_wait",
        "inode_dio_wait_interruptible",
        "blk_mq_freeze_queue_wait"
    ))]
    #[track_caller]
    pub fn wait<M: ModeAt<L>>(&mut self, mode: M) -> Result<(), DrainError> {
        self.drain.wait_drained(&mut self.inner, mode)
    }

    /// As [`Shut::wait`], after `run` has ended what the caller itself owes.
    ///
    /// `run` is called until it returns `false` because there is nothing more, or until nothing is in
    /// flight.
    ///
    /// Context and errors: as [`Shut::wait`].
    ///
    /// Context: may sleep, as [`Shut::wait`].
    #[track_caller]
    pub fn run_own_and_wait<M: ModeAt<L>>(
        &mut self,
        mode: M,
        mut run: impl FnMut(&mut MaySleep<L>) -> bool,
    ) -> Result<(), DrainError> {
        while self.drain.in_flight() > 0 && run(&mut self.inner) {}
        self.wait(mode)
    }

    /// Returns the capability to sleep with the gate shut: for what stands below the drain.
    ///
    /// Context: may sleep, though this does not.
    #[inline]
    pub fn inner(&mut self) -> &mut MaySleep<L> {
        &mut self.inner
    }
}

impl<L: Level> Drop for Shut<'_, '_, L> {
    fn drop(&mut self) {
        self.drain.open_gate(|cell| match self.held {
            Held::Alone => cell.open(),
            Held::Together { note } => cell.open_nested(note),
        });
    }
}
