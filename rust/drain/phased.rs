// SPDX-License-Identifier: GPL-2.0

//! A drain without a gate: what is in flight now is waited for, while more begins.
//!
//! C header: [`include/linux/srcu.h`](srctree/include/linux/srcu.h)

use super::{
    cell::{
        About,
        CellPtr,
        OwnedCell, //
    },
    error::DrainError,
    gate::Active,
    phases::{
        Phases,
        Waits, //
    },
    reference::InFlight,
    var::Limited, //
};
use crate::{
    context::MaySleep,
    event::ModeAt,
    level::{
        After,
        Level,
        Unordered, //
    },
    registry::{
        self,
        Kind, //
    },
    trace,
    wait_map::WaitMap, //
};
use core::marker::PhantomData;
use kernel::{
    prelude::*,
    sync::{
        atomic::Atomic,
        LockClassKey, //
    },
};

/// A count of references in flight that never refuses one, and can be waited for all the same.
///
/// In C, whoever wants to wait for those who use something *now* either keeps newcomers out meanwhile, as a
/// [`Drain`](super::Drain) does, or waits for a count that newcomers keep from falling to zero. Here
/// references begin in one of two phases; a wait has them begin in the other one, and waits for the first to
/// empty. So it ends when the references have ended that there were when it began, however many begin
/// meanwhile.
///
/// What was done before a wait is seen by whatever it does not wait for: unpublish an object, wait, free it.
///
/// Tasks that wait at the same time take turns, and share: whoever has waited for its turn returns at once if
/// somebody else's wait has begun after its own did. So however many wait, the last one waits for the references
/// of two turns at most.
///
/// References are those of a [`Drain`](super::Drain), and cost the same. `L` is its place in the order of the
/// module's [levels](crate::level), as there. A task on which a reference is [parked](InFlight::park) and that
/// waits, or waits for its turn behind a task that waits for that, gets `EDEADLK`.
///
/// The counts are on the heap, 6 kB in all, and belong to the references as well: dropping it with references
/// left warns and does not wait. Forgetting the box or the `Arc` that it is in leaks it.
///
/// # Examples
///
/// ```
/// use baton::drain::{new_phased, DrainError, Phased};
/// use baton::event::Killable;
/// use baton::MaySleep;
/// use kernel::prelude::*;
///
/// /// Returns when nobody uses any more what was unpublished before.
/// fn quiesce(users: &Phased, cx: &mut MaySleep) -> Result<(), DrainError> {
///     users.wait_present(cx, Killable)
/// }
///
/// let cx = &mut MaySleep::assert();
/// let users = KBox::pin_init(new_phased!("example"), GFP_KERNEL)?;
/// let user = users.begin(cx);
/// // It looks for something, and uses what it has found.
/// user.end();
/// quiesce(&users, cx)?;
/// # Ok::<(), Error>(())
/// ```
#[doc(alias("srcu_struct", "synchronize_srcu", "percpu_ref_switch_to_atomic_sync"))]
#[pin_data]
pub struct Phased<L: Level = Unordered> {
    counts: Counts,
    name: &'static CStr,
    #[pin]
    map: WaitMap,
    _level: PhantomData<fn() -> L>,
}

/// Three counts, and how they take turns.
///
/// # Invariants
///
/// What `phases` points to is in `cells`, and lives as long.
struct Counts {
    phases: Phases<CellPtr>,
    cells: [OwnedCell; 3],
}

impl Counts {
    fn new() -> Result<Self> {
        let cells = [OwnedCell::new()?, OwnedCell::new()?, OwnedCell::new()?];
        let [one, other, turn] = [*cells[0], *cells[1], *cells[2]];
        // INVARIANT: These are those in `cells`.
        Ok(Self {
            phases: Phases::new([one, other], turn, Atomic::new(0), Atomic::new(0)),
            cells,
        })
    }
}

impl<L: Level> Phased<L> {
    /// Makes one with nothing in flight; [`new_phased!`](super::new_phased) is the usual way.
    ///
    /// Context: may sleep, because it allocates with `GFP_KERNEL` when it runs. It takes no capability:
    /// what is initialised in place runs where the memory for it comes from.
    // SLEEPS: in whoever allocates the memory that is initialised.
    pub fn new(name: &'static CStr, key: Pin<&'static LockClassKey>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            counts: Counts::new()?,
            name,
            map <- WaitMap::new(name, key),
            _level: PhantomData,
        }? Error)
    }

    /// Begins something that waits which begin later wait for.
    ///
    /// Context: may sleep, though this does not.
    #[doc(alias = "srcu_read_lock")]
    #[inline]
    #[track_caller]
    pub fn begin<'d, 'c, C: Level>(&'d self, _cx: &'c mut MaySleep<C>) -> Active<'d, 'c, L>
    where
        L: After<C>,
    {
        Active::new(self.begin_in_flight(), self.map.hold_shared())
    }

    /// Begins something without the capability to sleep, and leaves it to whoever gets the reference.
    ///
    /// Context: any. Neither the types nor lockdep know who has the reference: use [`Phased::begin`] where
    /// there is a capability.
    #[doc(alias = "srcu_down_read")]
    #[inline]
    #[track_caller]
    pub fn begin_in_flight(&self) -> InFlight {
        let phase = self.counts.phases.begin();
        registry::owe(Kind::Drain, phase.count_object());
        InFlight::new(phase)
    }

    /// Waits until what is in flight now has ended; more may begin meanwhile, and is not waited for.
    ///
    /// What begins while the wait begins, or while it waits for its turn, may be waited for or not.
    ///
    /// Context: may sleep. What the task holds stands above the drain: `L: After<C>`. A task with an [`Active`]
    /// reference has lent its capability to it, and cannot come here.
    ///
    /// # Errors
    ///
    /// [`DrainError::Deadlock`], at once and with a warning that names everybody concerned, if a reference is
    /// parked on this very task, or on one that waits for this task in turn; what `mode` allows for. After an
    /// error it can be waited for again.
    ///
    /// The limit of `mode` is one for its turn and the references together. A task that is frozen in a
    /// [freezable](crate::event::Mode::freezable) wait keeps its turn.
    #[doc(alias("synchronize_srcu", "blk_mq_wait_quiesce_done"))]
    #[track_caller]
    pub fn wait_present<C: Level, M: ModeAt<C>>(
        &self,
        cx: &mut MaySleep<C>,
        mode: M,
    ) -> Result<(), DrainError>
    where
        L: After<C>,
    {
        self.map.wait();
        self.counts.phases.wait(&mut Sleeps {
            cx,
            limited: Limited::new(mode),
            about: About::here(self.name),
        })
    }

    /// Returns how many references are in flight; for statistics, it may change at any time.
    ///
    /// Context: any.
    pub fn in_flight(&self) -> u64 {
        self.counts.cells.iter().map(|cell| cell.count()).sum()
    }

    /// Returns how often the phases were flipped, which is how often somebody has waited for all; for statistics.
    ///
    /// Context: any.
    #[doc(alias = "start_poll_synchronize_srcu")]
    pub fn flips(&self) -> u64 {
        self.counts.phases.flips()
    }

    /// Returns how many tasks wait for references, or for their turn.
    ///
    /// For gates of tests and for reports: it may change at any time. It takes the lock of all drains.
    ///
    /// Context: any.
    pub fn waiters(&self) -> usize {
        self.counts.cells.iter().map(|cell| cell.waiters()).sum()
    }
}

/// The sleeps of one wait.
struct Sleeps<'c, C: Level, M: ModeAt<C>> {
    cx: &'c mut MaySleep<C>,
    limited: Limited<M>,
    about: About,
}

impl<C: Level, M: ModeAt<C>> Waits<CellPtr> for Sleeps<'_, C, M> {
    type GaveUp = DrainError;

    fn take(&mut self, turn: CellPtr) -> Result<(), DrainError> {
        turn.wait_turn(self.cx, &mut self.limited, self.about)?;
        registry::owe_since(Kind::Drain, turn.gate_object(), self.about.place);
        Ok(())
    }

    fn drained(&mut self, phase: CellPtr) -> Result<(), DrainError> {
        phase.wait_drained(self.cx, &mut self.limited, self.about)?;
        trace::drain(phase.count_object(), trace::Drain::Drained, phase.count());
        Ok(())
    }

    fn give(&mut self, turn: CellPtr) {
        registry::paid(turn.gate_object());
        turn.open();
    }
}
