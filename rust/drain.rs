// SPDX-License-Identifier: GPL-2.0

//! Drains: counts of what is in flight, and the wait until it is nothing.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h) (`inode_dio_begin()`,
//! `inode_dio_wait()`)
//!
//! # The bug that this removes
//!
//! A direct write of `io_uring` raised the count of its inode, and its completion lowered it in task
//! work of the task that had submitted it:
//!
//! ```text
//!   task T                                     interrupt
//!   1 write(O_DIRECT): count = 1
//!   2 fallocate(): waits until count == 0
//!                                              3 the write is done: queues task work for T
//!   4 the task work would lower the count, but it runs when T returns to user space
//! ```
//!
//! Nobody waits here for what is parked on themselves. A reference that only one task can end is
//! [parked](InFlight::park), and the drain knows on whom: in step 2 that task gets `EDEADLK`, with a
//! warning that says where the reference was parked. What such a task runs in bulk accepts only
//! [`Parkable`] things, which a reference is not.
//!
//! The wait needs the guard that stops new references, [`Shut`]. In C, that is a comment.
//!
//! Why no wake-up is lost, and why who ends the last reference does not touch what is gone, stands in
//! `drain/protocol.rs`.

mod cell;
mod owned;
mod parked;
mod protocol;
mod var;

pub use owned::OwnedShut;
pub use parked::{
    Parkable,
    Parked, //
};

use crate::{
    context::MaySleep,
    event::{
        Mode,
        WaitError, //
    },
    level::Level,
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
use cell::{
    Cell,
    CellPtr, //
};
use core::{
    marker::PhantomData,
    mem, //
};
use kernel::{
    prelude::*,
    sync::LockClassKey,
    types::NotThreadSafe, //
};

/// Creates a [`Drain`] initialiser with a lockdep class of its own.
#[macro_export]
macro_rules! new_drain {
    ($($name:literal)? $(,)?) => {
        $crate::drain::Drain::new(::kernel::optional_name!($($name)?), ::kernel::static_lock_class!())
    };
}
pub use crate::parkable;
pub use new_drain;

/// Why a reference was not handed out, or a wait has ended with references left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrainError {
    /// The gate is shut.
    Shut,
    /// The caller itself has what it would wait for: the gate, or a parked reference.
    Deadlock,
    /// A signal arrived.
    Signal,
    /// The calling thread is to [stop](crate::thread::Stop), and has not been told yet.
    Stopped,
    /// The time was over.
    TimedOut,
}

impl From<DrainError> for Error {
    fn from(error: DrainError) -> Self {
        match error {
            DrainError::Shut => EBUSY,
            DrainError::Deadlock => EDEADLK,
            DrainError::Signal => ERESTARTSYS,
            DrainError::Stopped => ECANCELED,
            DrainError::TimedOut => ETIMEDOUT,
        }
    }
}

impl From<WaitError> for DrainError {
    fn from(error: WaitError) -> Self {
        match error {
            WaitError::Closed => Self::Shut,
            WaitError::Signal => Self::Signal,
            WaitError::Stopped => Self::Stopped,
            WaitError::TimedOut => Self::TimedOut,
        }
    }
}

/// A count of references in flight, with a gate before it.
///
/// The count is on the heap and belongs to the drain and to the references together. So a reference
/// that is leaked leaks that: a drain that goes away with references left warns and does not wait,
/// and who ends one later touches no freed memory.
///
/// `mem::forget` is not possible while it is pinned.
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
///     let shut = drain.shut(cx, Killable)?;
///     shut.wait(cx, Killable)?;
///     // Nothing is in flight, and nothing can be until `shut` is dropped.
///     Ok(())
/// }
///
/// let cx = &mut MaySleep::assert();
/// let drain = KBox::pin_init(new_drain!("example"), GFP_KERNEL)?;
/// let io = drain.begin()?;
/// io.end();
/// resize(&drain, cx)?;
/// # Ok::<(), Error>(())
/// ```
#[doc(alias("inode_dio_wait", "percpu_ref", "blk_mq_freeze_queue"))]
#[pin_data(PinnedDrop)]
pub struct Drain {
    cell: CellPtr,
    name: &'static CStr,
    #[pin]
    map: WaitMap,
}

impl Drain {
    /// Makes a drain with nothing in flight and the gate open; [`new_drain!`] is the usual way.
    pub fn new(name: &'static CStr, key: Pin<&'static LockClassKey>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            cell: Cell::new()?,
            name,
            map <- WaitMap::new(name, key),
        }? Error)
    }

    /// Begins something that has to have ended before a wait can.
    ///
    /// Context: a task. It is told to lockdep as an acquisition that ends elsewhere.
    ///
    /// # Errors
    ///
    /// [`DrainError::Shut`] if the gate is shut.
    #[doc(alias("inode_dio_begin", "blk_queue_enter"))]
    #[inline]
    #[track_caller]
    pub fn begin(&self) -> Result<InFlight, DrainError> {
        let cell = self.cell.begin()?;
        self.map.enter();
        registry::owe(Kind::Drain, cell.count_object());
        // INVARIANT: The reference was counted.
        Ok(InFlight { cell })
    }

    /// As [`Drain::begin`], and waits while the gate is shut.
    ///
    /// # Errors
    ///
    /// [`DrainError::Deadlock`] if the caller has shut it; what `mode` allows for.
    #[doc(alias = "bio_queue_enter")]
    #[track_caller]
    pub fn begin_when_open<C: Level, M: Mode>(
        &self,
        cx: &mut MaySleep<C>,
        mode: M,
    ) -> Result<InFlight, DrainError> {
        self.not_mine()?;
        self.map.enter();
        let mut begun = None;
        self.cell.wait_open(cx, mode, self.name, |cell| {
            begun = cell.begin().ok();
            begun.is_some()
        })?;
        let cell = begun.ok_or(DrainError::Shut)?;
        registry::owe(Kind::Drain, cell.count_object());
        // INVARIANT: The reference was counted.
        Ok(InFlight { cell })
    }

    /// Shuts the gate, when nobody else has: what is returned is the permission to wait.
    ///
    /// # Errors
    ///
    /// As [`Drain::begin_when_open`].
    #[doc(alias = "blk_freeze_queue_start")]
    #[track_caller]
    pub fn shut<C: Level, M: Mode>(
        &self,
        cx: &mut MaySleep<C>,
        mode: M,
    ) -> Result<Shut<'_>, DrainError> {
        self.not_mine()?;
        // From before the wait for the gate: with what is held now, and until it is open again.
        let holding = self.map.hold();
        self.shut_gate(cx, mode)?;
        // INVARIANT: This task has shut the gate.
        Ok(Shut {
            drain: self,
            _holding: holding,
            _not_send: PhantomData,
        })
    }

    /// Refuses who has shut the gate, before lockdep is told of a wait that will not be.
    fn not_mine(&self) -> Result<(), DrainError> {
        if self.cell.is_closer() {
            return Err(DrainError::Deadlock);
        }
        Ok(())
    }

    /// Shuts the gate for this task, when nobody else has.
    #[track_caller]
    fn shut_gate<C: Level, M: Mode>(
        &self,
        cx: &mut MaySleep<C>,
        mode: M,
    ) -> Result<(), DrainError> {
        self.cell
            .wait_open(cx, mode, self.name, |cell| cell.shut())?;
        registry::owe(Kind::Drain, self.cell.gate_object());
        self.step(trace::Drain::Shut);
        Ok(())
    }

    /// Opens the gate, which the caller has.
    fn open_gate(&self) {
        registry::paid(self.cell.gate_object());
        self.step(trace::Drain::Open);
        self.cell.open();
    }

    /// Waits until nothing is in flight. The caller has the gate.
    #[track_caller]
    fn wait_drained<C: Level, M: Mode>(
        &self,
        cx: &mut MaySleep<C>,
        mode: M,
    ) -> Result<(), DrainError> {
        self.cell.wait_drained(cx, mode, self.name)?;
        self.step(trace::Drain::Drained);
        Ok(())
    }

    #[inline(always)]
    fn step(&self, step: trace::Drain) {
        trace::drain(self.cell.count_object(), step, self.cell.count());
    }

    /// Returns how many references are in flight; for statistics, it may change at any time.
    pub fn in_flight(&self) -> u64 {
        self.cell.count()
    }
}

#[pinned_drop]
impl PinnedDrop for Drain {
    fn drop(self: Pin<&mut Self>) {
        let left = self.cell.count();
        if left > 0 {
            pr_warn!("a drain goes away with {} references in flight\n", left);
            self.cell.report_parked();
        }
        registry::gone(self.cell.count_object());
        // The last one frees the count: this, or the end of the last reference.
        self.cell.disown();
    }
}

/// The gate of a [`Drain`], shut: no reference begins, and the ones there are can be waited for.
///
/// Dropping it opens the gate. `mem::forget` leaves it shut: whoever wants to begin gets an error, or
/// waits in the way that was asked for.
///
/// To lockdep it is a lock that this task holds, and that everybody who begins takes and releases: what
/// is taken under it must not be held by who begins. The block layer tells it the same about a freeze.
///
/// # Invariants
///
/// The task that has it has shut the gate of `drain`.
#[must_use = "the gate opens immediately when this is unused"]
pub struct Shut<'d> {
    drain: &'d Drain,
    // Dropped after the gate was opened.
    _holding: Holding<'d>,
    // The drain knows by task who has shut it.
    _not_send: PhantomData<NotThreadSafe>,
}

impl Shut<'_> {
    /// Waits until nothing is in flight.
    ///
    /// Context: may sleep. What ends the references must not need what the task holds; lockdep is
    /// told as the block layer tells it about a freeze.
    ///
    /// # Errors
    ///
    /// [`DrainError::Deadlock`], at once and with a warning, if a reference is parked on this very
    /// task, which therefore cannot end it while it waits; what `mode` allows for.
    #[doc(alias(
        "inode_dio_wait",
        "inode_dio_wait_interruptible",
        "blk_mq_freeze_queue_wait"
    ))]
    #[track_caller]
    pub fn wait<C: Level, M: Mode>(&self, cx: &mut MaySleep<C>, mode: M) -> Result<(), DrainError> {
        self.drain.wait_drained(cx, mode)
    }

    /// As [`Shut::wait`], after `run` has ended what the caller itself owes.
    ///
    /// `run` is called until it returns `false` because there is nothing more, or until nothing is in
    /// flight.
    #[track_caller]
    pub fn run_own_and_wait<C: Level, M: Mode>(
        &self,
        cx: &mut MaySleep<C>,
        mode: M,
        mut run: impl FnMut(&mut MaySleep<C>) -> bool,
    ) -> Result<(), DrainError> {
        while self.drain.in_flight() > 0 && run(cx) {}
        self.wait(cx, mode)
    }
}

impl Drop for Shut<'_> {
    fn drop(&mut self) {
        self.drain.open_gate();
    }
}

/// Something that has begun and not ended.
///
/// It may be ended by any task, and in any context: hard and soft interrupts, work, tasks. After that
/// nothing of the drain is touched, so that whoever waited can free it. Dropping it ends it.
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
    /// Ends it, and wakes who waits if it was the last one.
    #[doc(alias("inode_dio_end", "blk_queue_exit"))]
    #[inline]
    pub fn end(self) {
        drop(self);
    }

    /// Says that only the calling task will end it.
    ///
    /// For completions whose context is known at run time only: task work, a queue that its owner
    /// polls. A wait for the drain by this task fails at once, until the reference is
    /// [taken up](Parked::take) again.
    ///
    /// # Errors
    ///
    /// The reference, if as many are parked as the drain can keep in mind: end it otherwise.
    #[track_caller]
    #[doc(alias = "task_work_add")]
    pub fn park(self) -> Result<Parked, Self> {
        let place = core::panic::Location::caller();
        match self.cell.park(place) {
            Some(slot) => Ok(Parked::new(self, slot)),
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
