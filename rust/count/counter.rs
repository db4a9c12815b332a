// SPDX-License-Identifier: GPL-2.0

//! A count, who counts up, and the waits.

use super::{
    active::Active,
    cell::{
        Cell,
        CellPtr, //
    },
    token::{
        Counted,
        Overflow, //
    },
    word, //
};
use crate::{
    context::MaySleep,
    event::{
        platform::KernelSleeper,
        ModeAt, //
    },
    level::{
        After,
        Level,
        Unordered, //
    },
    registry::{
        self,
        About,
        Kind,
        Label, //
    },
    wait_map::WaitMap, //
};
use core::{
    marker::PhantomData,
    panic::Location, //
};
use kernel::{
    prelude::*,
    sync::LockClassKey, //
};

/// How much of something there is, and who waits until it is little enough.
///
/// Counting is one atomic operation each way, in any context, without a lock. What is counted up is a value,
/// [`Counted`], and counts down when it is dropped, so there is no underflow.
///
/// `L` is its place in the order of the module's [levels](crate::level): below what is held while it is waited
/// for, and above what is taken with an [`Active`] one in hand. A count in no order is [`Unordered`]: it is waited
/// for with nothing else held.
///
/// The number is on the heap and belongs to the count and to what is counted together. So a count that goes away
/// with some left warns and does not wait, and who counts down later touches no freed memory. Nobody waits for
/// it then: whoever waits borrows it.
///
/// Forgetting the box or the `Arc` that it is in leaks it, and nothing else: it runs no code of its own.
///
/// # Examples
///
/// ```
/// use baton::count::{new_count, Count};
/// use baton::event::Killable;
/// use baton::{MaySleep, Thread};
/// use kernel::prelude::*;
///
/// let cx = &mut MaySleep::assert();
/// let pending: Pin<KBox<Count>> = KBox::pin_init(new_count!("pending"), GFP_KERNEL)?;
/// let mut threads = KVec::new();
/// for _ in 0..3 {
///     let piece = pending.up()?;
///     let thread = Thread::spawn(cx, c"piece", move |_cx, _stop| piece.down())?;
///     threads.push(thread, GFP_KERNEL)?;
/// }
/// // Until one of the three is left, at most; then until none is.
/// pending.wait_for(cx, 1, Killable)?;
/// pending.wait_for(cx, 0, Killable)?;
/// # for thread in threads {
/// #     thread.join(cx)?;
/// # }
/// # Ok::<(), Error>(())
/// ```
#[doc(alias("wait_var_event", "atomic_t", "closure", "nr_pending"))]
#[pin_data(PinnedDrop)]
pub struct Count<L: Level = Unordered> {
    cell: CellPtr,
    name: &'static CStr,
    #[pin]
    map: WaitMap,
    _level: PhantomData<fn() -> L>,
}

impl<L: Level> Count<L> {
    /// Makes a count that is zero; [`new_count!`](super::new_count) is the usual way.
    ///
    /// Context: may sleep, because it allocates with `GFP_KERNEL` when it runs. It takes no capability:
    /// what is initialised in place runs where the memory for it comes from.
    // SLEEPS: in whoever allocates the memory that is initialised.
    pub fn new(name: &'static CStr, key: Pin<&'static LockClassKey>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            cell: Cell::new()?,
            name,
            map <- WaitMap::new(name, key),
            _level: PhantomData,
        }? Error)
    }

    /// Counts one more, and leaves it to whoever gets it to count down.
    ///
    /// It is fully ordered: who stores something and then waits, and who counts up and then loads it, do not
    /// both miss what the other has done.
    ///
    /// Context: any. Neither the types nor lockdep know who has it: use [`Count::up_in`] where there is a
    /// capability.
    ///
    /// # Errors
    ///
    /// [`Overflow`] if there are [`MAX`](super::MAX).
    #[doc(alias("atomic_inc", "closure_get"))]
    #[inline]
    #[track_caller]
    pub fn up(&self) -> Result<Counted, Overflow> {
        match self.cell.up() {
            Some(cell) => Ok(Counted::new(cell)),
            None => Err(Overflow),
        }
    }

    /// As [`Count::up`], for what stays in the hands of this task.
    ///
    /// Context: may sleep, though this does not. What the task holds stands above the count.
    ///
    /// # Errors
    ///
    /// As [`Count::up`].
    #[inline]
    #[track_caller]
    pub fn up_in<'d, 'c, C: Level>(
        &'d self,
        _cx: &'c mut MaySleep<C>,
    ) -> Result<Active<'d, 'c, L>, Overflow>
    where
        L: After<C>,
    {
        Ok(Active::new(self.up()?, self.map.hold_shared()))
    }

    /// Counts one more as soon as there are at most `most`: a throttle.
    ///
    /// The look and the counting are one, so there are never more than `most` and one by this way. Nobody is
    /// first in line: who comes at the right moment overtakes those who wait. Where that matters, the number
    /// belongs into an [`Event`](crate::Event) that is [`Fifo`](crate::Fifo).
    ///
    /// Context: may sleep. Whoever counts down needs nothing of what the task holds: `L: After<C>`.
    ///
    /// # Errors
    ///
    /// What `mode` allows for.
    #[doc(alias("wait_event_cmd", "down_killable"))]
    #[track_caller]
    pub fn up_when<C: Level, M: ModeAt<C>>(
        &self,
        _cx: &mut MaySleep<C>,
        most: u32,
        mode: M,
    ) -> Result<Counted, M::Error>
    where
        L: After<C>,
    {
        self.map.wait();
        word::up_when(self.cell, most, &mut self.sleeper::<C, M>(&mode)).map_err(M::gave_up)?;
        // INVARIANT: It was counted right now.
        Ok(Counted::new(self.cell))
    }

    /// Waits until there are at most `most`.
    ///
    /// It is a level: see the [module](super). What those who were counted have done before they have counted
    /// down, or were set aside, is seen.
    ///
    /// Context: may sleep. Whoever counts down needs nothing of what the task holds: `L: After<C>`. A task with
    /// an [`Active`] one has lent its capability to it, and cannot come here.
    ///
    /// # Errors
    ///
    /// What `mode` allows for.
    #[doc(alias("wait_var_event", "closure_sync", "freeze_array", "scsi_eh_wakeup"))]
    #[track_caller]
    pub fn wait_for<C: Level, M: ModeAt<C>>(
        &self,
        _cx: &mut MaySleep<C>,
        most: u32,
        mode: M,
    ) -> Result<(), M::Error>
    where
        L: After<C>,
    {
        self.map.wait();
        word::wait(self.cell, most, &mut self.sleeper::<C, M>(&mode)).map_err(M::gave_up)
    }

    #[track_caller]
    fn sleeper<C: Level, M: ModeAt<C>>(&self, mode: &M) -> KernelSleeper {
        let mut sleeper = KernelSleeper::new::<C, M>(mode);
        if registry::is_wanted() {
            sleeper.about = Some(About {
                object: self.cell.object(),
                label: Label {
                    kind: Kind::Count,
                    name: self.name,
                },
                place: Location::caller(),
                class: 0,
            });
        }
        sleeper
    }

    /// Returns how many are counted; for statistics, it may change at any time.
    ///
    /// Context: any.
    #[doc(alias = "atomic_read")]
    pub fn get(&self) -> u32 {
        self.cell.count()
    }

    /// Returns how many were [set aside](Counted::set_aside); for statistics, it may change at any time.
    ///
    /// Context: any.
    pub fn aside(&self) -> u32 {
        self.cell.aside()
    }

    /// Returns how many tasks wait.
    ///
    /// For gates of tests and for reports: it may change at any time. It takes the lock of the waiters.
    ///
    /// Context: any.
    pub fn waiters(&self) -> usize {
        word::waiters(self.cell)
    }
}

#[cfg(CONFIG_KUNIT)]
impl<L: Level> Count<L> {
    /// Counts as if so many had been counted up and forgotten. For tests.
    ///
    /// Context: any.
    pub fn leak(&self, number: u32) {
        self.cell.leak(number);
    }

    /// Undoes [`Count::leak`], and tells nobody. For tests.
    ///
    /// Context: any.
    pub fn unleak(&self, number: u32) {
        self.cell.unleak(number);
    }

    /// Returns the highest number that who counts down is asked to tell about. For tests.
    ///
    /// Context: any.
    pub fn asks_for(&self) -> Option<u32> {
        word::asks_for(self.cell)
    }
}

#[pinned_drop]
impl<L: Level> PinnedDrop for Count<L> {
    fn drop(self: Pin<&mut Self>) {
        let left = self.cell.count();
        if left > 0 {
            pr_warn!("count \"{}\" goes away with {} left\n", self.name, left);
        }
        registry::gone(self.cell.object());
        // The last one frees the number: this, or whoever counts down last.
        word::disown(self.cell);
    }
}
