// SPDX-License-Identifier: GPL-2.0

//! What a block driver implements, and the table through which the block layer calls it.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use super::{
    without_io,
    Queued,
    Request, //
};
use crate::{
    context::MaySleep,
    ffi, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    error::VTABLE_DEFAULT_ERROR,
    prelude::*,
    types::{
        ForeignOwnable,
        Opaque, //
    },
};

/// The driver's side of a disk.
///
/// Implement it with `#[vtable]`, which also records which module the implementation lives in.
#[vtable]
pub trait Operations: Sized + 'static {
    /// What belongs to one disk; dropped when the disk is gone.
    type Data: ForeignOwnable + Send + Sync;

    /// Serves one request.
    ///
    /// The request is started and belongs to the driver, which ends it here, or keeps it and ends
    /// it from anywhere later. There is no return value: the request is the answer. A path on which
    /// neither happens does not link.
    ///
    /// Runs in the task that submits, or in a worker of the block layer that serves other disks as
    /// well; it may sleep, but not for long. A request that has to wait for something that only later
    /// requests, a control or a timer brings about is kept, and ended when that has come: a scheduler
    /// hands out one request at a time, so one that sleeps here holds up all others.
    ///
    /// Every allocation made in here is `GFP_NOIO`, whatever its flags say, because memory reclaim may
    /// be waiting for this very disk. The disk cannot be removed or frozen from here: `EDEADLK`.
    ///
    /// Context: may sleep; the block layer's queue is held for reading meanwhile, so that a freeze waits
    /// for it.
    fn queue_rq(
        data: <Self::Data as ForeignOwnable>::Borrowed<'_>,
        request: Queued,
        cx: &mut MaySleep,
    );

    /// Ends requests of [poll queues](super::TagSet::new) that are done; returns how many.
    ///
    /// Called by tasks that have submitted such requests until theirs has ended, and for one that
    /// nobody has polled for in half a minute.
    ///
    /// Context: must not sleep.
    #[doc(alias = "mq_ops.poll")]
    fn poll(_data: <Self::Data as ForeignOwnable>::Borrowed<'_>) -> usize {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// The `struct blk_mq_ops` of a driver.
pub(super) struct OperationsVTable<T: Operations>(PhantomData<T>);

impl<T: Operations> OperationsVTable<T> {
    /// Called by the block layer to queue a request.
    ///
    /// # Safety
    ///
    /// - `hctx` must be valid, and its queue must be that of a disk which [`super::GenDisk`]
    ///   describes with the same `T`.
    /// - `(*bd).rq` must be valid, not started, and owned by the driver from here on.
    /// - Must be called in a task that may sleep, which `BLK_MQ_F_BLOCKING` asks for.
    unsafe extern "C" fn queue_rq(
        hctx: *mut bindings::blk_mq_hw_ctx,
        bd: *const bindings::blk_mq_queue_data,
    ) -> bindings::blk_status_t {
        // SAFETY: `hctx` and its queue are valid, by the safety requirements.
        let data = unsafe { (*(*hctx).queue).queuedata };
        // SAFETY: `queuedata` came from `into_foreign()` in `GenDiskBuilder::build()`. It is taken
        // back only after `del_gendisk()`, which waits for every request to end, and
        // `blk_mq_wait_quiesce_done()`, which waits for every dispatch to leave this function.
        let data = unsafe { T::Data::borrow(data) };
        // SAFETY: `bd` is valid, and the request is ours and not started, by the safety
        // requirements.
        let request = Queued::new(unsafe { Request::start((*bd).rq) });

        // SAFETY: As above.
        let q = unsafe { (*hctx).queue };
        let serving = Opaque::uninit();
        // SAFETY: The node is valid for writes, and stays where it is until it is taken out below.
        unsafe { ffi::baton_blk_serving_begin(Opaque::get(&serving), q) };
        without_io(&mut MaySleep::assert(), |cx| T::queue_rq(data, request, cx));
        // SAFETY: It was put in above, by this task.
        unsafe { ffi::baton_blk_serving_end(Opaque::get(&serving)) };

        // The request was moved into the driver: an error would end it a second time.
        bindings::BLK_STS_OK as bindings::blk_status_t
    }

    /// Called by the block layer to find what is done.
    ///
    /// # Safety
    ///
    /// As [`Self::queue_rq`], but for the request.
    unsafe extern "C" fn poll(
        hctx: *mut bindings::blk_mq_hw_ctx,
        _batch: *mut bindings::io_comp_batch,
    ) -> c_int {
        // SAFETY: `hctx` and its queue are valid, by the safety requirements.
        let data = unsafe { (*(*hctx).queue).queuedata };
        // SAFETY: As in `queue_rq()`: a task that polls has a reference to the queue, and requests.
        let data = unsafe { T::Data::borrow(data) };
        // CAST: There are fewer requests than fit.
        T::poll(data) as c_int
    }

    /// Called by the block layer for a request that has been in flight for long.
    ///
    /// # Safety
    ///
    /// `rq` must be valid, and its queue as for [`Self::queue_rq`].
    unsafe extern "C" fn timeout(rq: *mut bindings::request) -> bindings::blk_eh_timer_return {
        // SAFETY: The request and its queue are valid, by the safety requirements.
        let data = unsafe { (*(*rq).q).queuedata };
        // SAFETY: As in `queue_rq()`: there is a request.
        let data = unsafe { T::Data::borrow(data) };
        // Nobody polls for it, perhaps. If it is not among what is done it is still being served.
        T::poll(data);
        // As `blk_mq_rq_state()` does it: others write to it.
        // SAFETY: The request is valid: the block layer has a reference.
        let state = unsafe { (&raw const (*rq).state).read_volatile() };
        if state == bindings::mq_rq_state_MQ_RQ_IN_FLIGHT {
            bindings::blk_eh_timer_return_BLK_EH_RESET_TIMER
        } else {
            bindings::blk_eh_timer_return_BLK_EH_DONE
        }
    }

    /// Called by the block layer to learn which queue serves which CPU.
    ///
    /// # Safety
    ///
    /// `set` must be valid, and made by [`super::TagSet::new`].
    unsafe extern "C" fn map_queues(set: *mut bindings::blk_mq_tag_set) {
        // SAFETY: `set` is valid, and nobody else changes it now.
        let set = unsafe { &mut *set };
        // CAST: It came from an `u32`.
        let wanted = set.driver_data.addr() as u32;
        // The block layer may have set up fewer queues than it was asked for (a kernel that dumps
        // another one has one queue and one map), and one of them is for those who do not poll.
        let poll = if set.nr_maps > 1 {
            wanted.min(set.nr_hw_queues.saturating_sub(1))
        } else {
            0
        };
        let ordinary = set.nr_hw_queues - poll;
        let poll_map = bindings::hctx_type_HCTX_TYPE_POLL as usize;
        // CAST: There are three of them.
        for (i, map) in set.map.iter_mut().enumerate().take(set.nr_maps as usize) {
            (map.nr_queues, map.queue_offset) = match i {
                0 => (ordinary, 0),
                _ if i == poll_map => (poll, ordinary),
                // Reads have no queues of their own: those of the first map serve them.
                _ => (0, 0),
            };
            if map.nr_queues > 0 {
                // SAFETY: The map is valid, and was allocated by the caller.
                unsafe { bindings::blk_mq_map_queues(map) };
            }
        }
    }

    const VTABLE: bindings::blk_mq_ops = bindings::blk_mq_ops {
        queue_rq: Some(Self::queue_rq),
        queue_rqs: None,
        commit_rqs: None,
        get_budget: None,
        put_budget: None,
        set_rq_budget_token: None,
        get_rq_budget_token: None,
        timeout: if T::HAS_POLL {
            Some(Self::timeout)
        } else {
            None
        },
        poll: if T::HAS_POLL { Some(Self::poll) } else { None },
        complete: None,
        init_hctx: None,
        exit_hctx: None,
        init_request: None,
        exit_request: None,
        cleanup_rq: None,
        busy: None,
        map_queues: Some(Self::map_queues),
        #[cfg(CONFIG_BLK_DEBUG_FS)]
        show_rq: None,
    };

    /// The address of the code that runs as long as there is a disk.
    pub(super) fn code() -> *const () {
        Self::queue_rq as *const ()
    }

    pub(super) const fn build() -> &'static bindings::blk_mq_ops {
        &Self::VTABLE
    }
}
