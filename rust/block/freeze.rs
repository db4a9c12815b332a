// SPDX-License-Identifier: GPL-2.0

//! A disk with nothing in flight: frozen, changed, thawed.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h) (`blk_mq_freeze_queue()`)
//!
//! Whoever submits to a frozen disk waits before the block layer has made a request of it: no request
//! is started, no tag is taken, and nobody is inside the driver. So what the block layer waits for
//! itself goes on while a disk is frozen, however long that is: a CPU is taken offline, requests time
//! out, the scheduler or the number of queues is changed, and the disk can be removed.

use super::{
    GenDisk,
    Operations, //
};
use crate::{
    context::MaySleep,
    ffi, //
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    sync::atomic::{
        Full,
        Relaxed, //
    },
    time::{
        msecs_to_jiffies,
        Jiffies, //
    },
    types::ForeignOwnable, //
};

/// How often requests that nobody polls for are looked for while they are waited for.
const POLL_MSECS: u32 = 10;

impl<T: Operations> GenDisk<T> {
    /// Waits until nothing is in flight, and keeps requests out until [`GenDisk::thaw`].
    ///
    /// When it returns every request has ended. What the driver does after it has ended a request may
    /// still be going on: a [`Drain`](crate::drain::Drain) knows about that.
    ///
    /// Removing or dropping a frozen disk thaws it. A thaw of a disk that is not frozen, and the
    /// freeze of one that is, do nothing.
    ///
    /// Context: may sleep; with no resource held that a request in flight needs.
    ///
    /// # Errors
    ///
    /// The disk is not frozen then:
    /// - `ETIMEDOUT` if something is still in flight after `limit` jiffies;
    /// - `ERESTARTSYS` if the task was killed;
    /// - `EDEADLK` in the disk's own [`Operations::queue_rq`];
    /// - `ENODEV` if its module goes.
    #[doc(alias("blk_mq_freeze_queue", "blk_freeze_queue_start_non_owner"))]
    pub fn freeze(&mut self, limit: Jiffies, _cx: &mut MaySleep) -> Result {
        let core = &self.core;
        if core.frozen.load(Relaxed) {
            return Ok(());
        }
        let q = core.queue();
        // SAFETY: The pointer is only compared.
        if unsafe { ffi::baton_blk_is_serving(q) } {
            return Err(EDEADLK);
        }
        // SAFETY: The queue is valid; what is frozen here is thawed below, or by `Core::thaw()`.
        unsafe { bindings::blk_freeze_queue_start_non_owner(q) };
        if let Err(e) = self.wait_frozen(limit) {
            // SAFETY: It was frozen right now.
            unsafe { bindings::blk_mq_unfreeze_queue_non_owner(q) };
            return Err(e);
        }
        // As in `Core::tear_down()`.
        // INVARIANT: The queue was frozen for this flag above.
        core.frozen.xchg(true, Full); // C, pairs with B, D
        if core.gone.load(Relaxed) {
            core.thaw();
            return Err(ENODEV);
        }
        Ok(())
    }

    /// Waits until nothing is in flight on a queue that was frozen.
    fn wait_frozen(&self, limit: Jiffies) -> Result {
        let q = self.core.queue();
        if !T::HAS_POLL {
            // SAFETY: The queue is valid.
            return to_result(unsafe { ffi::baton_blk_wait_frozen(q, limit) });
        }
        // Whoever has submitted need not poll.
        let slice = msecs_to_jiffies(POLL_MSECS).max(1);
        let mut left = limit;
        loop {
            // SAFETY: The queue is valid.
            if unsafe { ffi::baton_blk_enter_frozen(q) } {
                // SAFETY: There are requests, or it could not be entered, so the data is there until
                // it is left.
                let data = unsafe { T::Data::borrow((*q).queuedata) };
                T::poll(data);
                // SAFETY: It was entered above.
                unsafe { ffi::baton_blk_leave_frozen(q) };
            }
            let now = left.min(slice);
            // SAFETY: The queue is valid.
            let result = to_result(unsafe { ffi::baton_blk_wait_frozen(q, now) });
            left -= now;
            match result {
                Err(e) if e == ETIMEDOUT && left > 0 => {}
                result => return result,
            }
        }
    }

    /// Lets requests in again.
    ///
    /// Context: may sleep.
    #[doc(alias = "blk_mq_unfreeze_queue")]
    pub fn thaw(&mut self, _cx: &mut MaySleep) {
        self.core.thaw();
    }

    /// Returns whether the disk was frozen by [`GenDisk::freeze`].
    ///
    /// Context: any.
    pub fn is_frozen(&self) -> bool {
        self.core.frozen.load(Relaxed)
    }

    /// Does `change` while nothing is in flight, and lets requests in again.
    ///
    /// `change` must not do I/O to the disk, nor wait for anybody who does.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// Those of [`GenDisk::freeze`]; `EBUSY` if the disk is frozen.
    pub fn while_frozen<R>(
        &mut self,
        limit: Jiffies,
        cx: &mut MaySleep,
        change: impl FnOnce(&mut Self, &mut MaySleep) -> R,
    ) -> Result<R> {
        if self.is_frozen() {
            return Err(EBUSY);
        }
        self.freeze(limit, cx)?;
        let result = change(self, cx);
        self.thaw(cx);
        Ok(result)
    }

    /// Changes the number of hardware queues, with nothing in flight; `poll_queues` of them are for
    /// requests that are polled for.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// Those of [`GenDisk::freeze`]. `EINVAL` for numbers that [`TagSet::new`] refuses, and for poll
    /// queues where there were none, or none where there were. `ENOMEM`: the numbers are what they
    /// were.
    ///
    /// [`TagSet::new`]: super::TagSet::new
    #[doc(alias = "blk_mq_update_nr_hw_queues")]
    pub fn set_queues(
        &mut self,
        hw_queues: u32,
        poll_queues: u32,
        limit: Jiffies,
        cx: &mut MaySleep,
    ) -> Result {
        // Frozen here, where the wait has a limit; the block layer freezes it once more.
        self.while_frozen(limit, cx, |disk, _cx| {
            disk.core.tags().set_queues(hw_queues, poll_queues)
        })?
    }

    /// Writes back what is dirty in the page cache of the disk and of its partitions.
    ///
    /// Context: may sleep, until what is written back has ended: not while the disk is frozen.
    ///
    /// # Errors
    ///
    /// `EBUSY` while the disk is frozen; those of the writes.
    #[doc(alias = "sync_blockdev")]
    pub fn sync_cache(&self, _cx: &mut MaySleep) -> Result {
        if self.is_frozen() {
            return Err(EBUSY);
        }
        // SAFETY: The disk is valid.
        to_result(unsafe { ffi::baton_blk_sync_cache(self.core.disk()) })
    }

    /// Drops what the page cache has of the disk and of its partitions from `start` on, dirty or not.
    ///
    /// For data that has gone behind the back of the page cache: do it after the data has gone.
    ///
    /// Context: may sleep, and waits for pages under write-back: not while the disk is frozen.
    ///
    /// # Errors
    ///
    /// `EBUSY` while the disk is frozen, and if something of the cache is in use by a mounted file
    /// system; the rest is dropped then. `EINVAL` for a `start` that no disk has.
    #[doc(alias("truncate_bdev_range", "invalidate_bdev"))]
    pub fn forget_cache(&self, start: u64, _cx: &mut MaySleep) -> Result {
        if self.is_frozen() {
            return Err(EBUSY);
        }
        let start = i64::try_from(start)?;
        // SAFETY: The disk is valid.
        to_result(unsafe { ffi::baton_blk_forget_cache(self.core.disk(), start) })
    }
}
