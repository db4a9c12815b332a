// SPDX-License-Identifier: GPL-2.0

//! A drain, and what begins and ends in it.

use super::{
    cell::{
        About,
        CellPtr,
        OwnedCell, //
    },
    error::DrainError,
    reference::InFlight,
    var::Limited, //
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
    registry::{
        self,
        Kind, //
    },
    trace,
    wait_map::{
        Holding,
        WaitMap, //
    },
};
use core::marker::PhantomData;
use kernel::{
    prelude::*,
    sync::LockClassKey, //
};

/// A count of references in flight, with a gate before it.
///
/// `L` is its place in the order of the module's [levels](crate::level): what is taken or waited for
/// with a reference in hand, or with the gate shut, stands below it, and not the drain itself: that does not
/// compile. A drain in no order is
/// [`Unordered`]: it is waited for with nothing else held, and nothing is taken in it.
///
/// The count is on the heap and belongs to the drain and to the references together. So a reference
/// that is leaked leaks that: a drain that goes away with references left warns and does not wait,
/// and who ends one later touches no freed memory.
///
/// Forgetting the box or the `Arc` that it is in leaks it, and nothing else: it runs no code of its own.
///
/// # Examples
///
/// ```
/// use baton::drain::{new_drain, Drain, DrainError};
/// use baton::event::Killable;
/// use baton::MaySleep;
/// use kernel::prelude::*;
///
/// fn resize(drain: &Drain, cx: &mut MaySleep) -> Result<(), DrainError> {
///     let mut shut = drain.shut(cx, Killable)?;
///     shut.wait(Killable)?;
///     // Nothing is in flight, and nothing can be until `shut` is dropped.
///     Ok(())
/// }
///
/// let cx = &mut MaySleep::assert();
/// let drain = KBox::pin_init(new_drain!("example"), GFP_KERNEL)?;
/// let io = drain.begin(cx)?;
/// // An interrupt will end it.
/// let io = io.hand_over();
/// io.end();
/// resize(&drain, cx)?;
/// # Ok::<(), Error>(())
/// ```
#[doc(alias("inode_dio_wait", "percpu_ref", "blk_mq_freeze_queue"))]
#[pin_data]
pub struct Drain<L: Level = Unordered> {
    pub(super) cell: OwnedCell,
    pub(super) name: &'static CStr,
    #[pin]
    pub(super) map: WaitMap,
    _level: PhantomData<fn() -> L>,
}

impl<L: Level> Drain<L> {
    /// Makes a drain with nothing in flight and the gate open; [`new_drain!`](super::new_drain) is the
    /// usual way.
    ///
    /// Context: may sleep, because it allocates with `GFP_KERNEL` when it runs. It takes no capability:
    /// what is initialised in place runs where the memory for it comes from.
    // SLEEPS: in whoever allocates the memory that is initialised.
    pub fn new(name: &'static CStr, key: Pin<&'static LockClassKey>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            cell: OwnedCell::new()?,
            name,
            map <- WaitMap::new(name, key),
            _level: PhantomData,
        }? Error)
    }

    /// Begins something that has to have ended before a wait can.
    ///
    /// Context: may sleep, though this does not.
    ///
    /// # Errors
    ///
    /// [`DrainError::Shut`] if the gate is shut.
    #[doc(alias("inode_dio_begin", "blk_queue_enter"))]
    #[inline]
    #[track_caller]
    pub fn begin<'d, 'c, C: Level>(
        &'d self,
        _cx: &'c mut MaySleep<C>,
    ) -> Result<Active<'d, 'c, L>, DrainError>
    where
        L: After<C>,
    {
        Ok(Active::new(self.try_begin()?, self.map.hold_shared()))
    }

    /// Begins something without the capability to sleep, and leaves it to whoever gets the reference.
    ///
    /// Context: any. Neither the types nor lockdep know who has the reference: use [`Drain::begin`]
    /// where there is a capability.
    ///
    /// # Errors
    ///
    /// [`DrainError::Shut`] if the gate is shut.
    #[doc(alias = "percpu_ref_tryget_live")]
    #[inline]
    #[track_caller]
    pub fn try_begin(&self) -> Result<InFlight, DrainError> {
        let cell = self.cell.begin()?;
        registry::owe(Kind::Drain, cell.count_object());
        Ok(InFlight::new(cell))
    }

    /// As [`Drain::begin`], and waits while the gate is shut.
    ///
    /// Context: may sleep. Whoever has the gate needs nothing of what the task holds: `L: After<C>`.
    ///
    /// # Errors
    ///
    /// [`DrainError::Deadlock`], at once and with a warning, if who has the gate waits for a
    /// reference that only this task can end, or is this task; what `mode` allows for.
    #[doc(alias = "bio_queue_enter")]
    #[track_caller]
    pub fn begin_when_open<'d, 'c, C: Level, M: ModeAt<C>>(
        &'d self,
        cx: &'c mut MaySleep<C>,
        mode: M,
    ) -> Result<Active<'d, 'c, L>, DrainError>
    where
        L: After<C>,
    {
        self.not_mine()?;
        // From before the wait for the gate: with what is held now, and as long as it is active. Who can be
        // frozen in the wait holds nothing, and must not seem to.
        let holding = (!freezes::<M>()).then(|| self.map.hold_shared());
        let mut begun = None;
        self.cell.wait_open(cx, mode, self.name, |cell| {
            begun = cell.begin().ok();
            begun.is_some()
        })?;
        let cell = begun.ok_or(DrainError::Shut)?;
        registry::owe(Kind::Drain, cell.count_object());
        let holding = holding.unwrap_or_else(|| self.map.hold_shared());
        Ok(Active::new(InFlight::new(cell), holding))
    }

    /// Refuses who has shut the gate, before lockdep is told of a wait that will not be.
    pub(super) fn not_mine(&self) -> Result<(), DrainError> {
        self.cell.not_mine(self.name)
    }

    /// Shuts the gate for this task, when nobody else has.
    #[track_caller]
    pub(super) fn shut_gate<C: Level, M: ModeAt<C>>(
        &self,
        cx: &mut MaySleep<C>,
        mode: M,
    ) -> Result<(), DrainError> {
        self.cell
            .wait_open(cx, mode, self.name, |cell| cell.shut())?;
        self.has_gate();
        Ok(())
    }

    /// The caller has the gate from here on.
    #[track_caller]
    pub(super) fn has_gate(&self) {
        registry::owe(Kind::Drain, self.cell.gate_object());
        self.step(trace::Drain::Shut);
    }

    /// Opens the gate, which the caller has, by `open`.
    pub(super) fn open_gate(&self, open: impl FnOnce(&CellPtr)) {
        registry::paid(self.cell.gate_object());
        self.step(trace::Drain::Open);
        open(&self.cell);
    }

    /// Waits until nothing is in flight. The caller has the gate.
    #[track_caller]
    pub(super) fn wait_drained<C: Level, M: ModeAt<C>>(
        &self,
        cx: &mut MaySleep<C>,
        mode: M,
    ) -> Result<(), DrainError> {
        let about = About::here(self.name);
        self.cell.wait_drained(cx, &mut Limited::new(mode), about)?;
        self.step(trace::Drain::Drained);
        Ok(())
    }

    #[inline(always)]
    fn step(&self, step: trace::Drain) {
        trace::drain(self.cell.count_object(), step, self.cell.count());
    }

    /// Returns how many references are in flight; for statistics, it may change at any time.
    ///
    /// Context: any.
    pub fn in_flight(&self) -> u64 {
        self.cell.count()
    }

    /// Returns how many tasks wait until nothing is in flight, or at the gate.
    ///
    /// For gates of tests and for reports: it may change at any time. It takes the lock of all drains.
    ///
    /// Context: any.
    pub fn waiters(&self) -> usize {
        self.cell.waiters()
    }
}

/// A reference in the hands of the task that has begun it.
///
/// It has borrowed the capability of the task and hands out a lower one: what the task takes or waits
/// for meanwhile stands below the drain, and nothing of it is held or waited for by who has shut the
/// gate. To wait for the drain itself, or at its gate, does not compile. To lockdep it is a lock that
/// this task holds, shared.
///
/// Dropping it ends it, in any context. Something that another task or an interrupt will end is
/// [handed over](Active::hand_over), when everything was taken that is needed on the way there.
///
/// `mem::forget` leaks the count: waits do not end but by their mode, lockdep reports that the task
/// still holds it, and memory is lost.
#[must_use = "the reference ends immediately when this is unused"]
#[doc(alias("kernfs_get_active", "q_usage_counter"))]
pub struct Active<'d, 'c, L: Level = Unordered> {
    // Ended before lockdep is told.
    reference: InFlight,
    _holding: Holding<'d>,
    inner: MaySleep<L>,
    _borrowed: Borrowed<'c>,
}

impl<'d, L: Level> Active<'d, '_, L> {
    #[inline]
    pub(super) fn new(reference: InFlight, holding: Holding<'d>) -> Self {
        Self {
            reference,
            _holding: holding,
            inner: MaySleep::while_held(),
            _borrowed: Borrowed::new(),
        }
    }

    /// Returns the capability to sleep with the reference in hand: for what stands below the drain.
    ///
    /// Context: may sleep, though this does not.
    #[inline]
    pub fn inner(&mut self) -> &mut MaySleep<L> {
        &mut self.inner
    }

    /// Ends it, and wakes who waits if it was the last one.
    ///
    /// Context: any.
    #[doc(alias("inode_dio_end", "kernfs_put_active"))]
    #[inline]
    pub fn end(self) {
        drop(self);
    }

    /// Makes it something that anybody can end, in any context.
    ///
    /// From here on the task is free to take what it likes, and neither the types nor lockdep know who
    /// has the reference: see [`InFlight`].
    ///
    /// Context: any.
    #[inline]
    pub fn hand_over(self) -> InFlight {
        self.reference
    }
}
