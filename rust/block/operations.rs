// SPDX-License-Identifier: GPL-2.0

//! What a block driver implements, and the table through which the block layer calls it.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use super::Request;
use crate::{
    context::MaySleep,
    ffi, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    prelude::*,
    types::ForeignOwnable, //
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
    /// it from anywhere later. There is no return value: the request is the answer.
    ///
    /// Runs in the task that submits, or in a worker of the block layer; it may sleep. Every
    /// allocation made in here is `GFP_NOIO`, whatever its flags say, because memory reclaim may
    /// be waiting for this very disk.
    fn queue_rq(
        data: <Self::Data as ForeignOwnable>::Borrowed<'_>,
        request: Request,
        cx: &mut MaySleep,
    );
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
        // SAFETY: `queuedata` came from `into_foreign()` in `GenDiskBuilder::build()`, and it is
        // taken back only after `del_gendisk()`, which waits for every request to end and for
        // the dispatch to leave this function.
        let data = unsafe { T::Data::borrow(data) };
        // SAFETY: `bd` is valid, and the request is ours and not started, by the safety
        // requirements.
        let request = unsafe { Request::start((*bd).rq) };

        // SAFETY: Only changes a flag of the current task, which `noio_restore()` below puts back.
        let flags = unsafe { ffi::baton_blk_noio_save() };
        T::queue_rq(data, request, &mut MaySleep::assert());
        // SAFETY: `flags` came from `baton_blk_noio_save()` in this task, above.
        unsafe { ffi::baton_blk_noio_restore(flags) };

        // The request was moved into the driver: an error would end it a second time.
        bindings::BLK_STS_OK as bindings::blk_status_t
    }

    const VTABLE: bindings::blk_mq_ops = bindings::blk_mq_ops {
        queue_rq: Some(Self::queue_rq),
        queue_rqs: None,
        commit_rqs: None,
        get_budget: None,
        put_budget: None,
        set_rq_budget_token: None,
        get_rq_budget_token: None,
        timeout: None,
        poll: None,
        complete: None,
        init_hctx: None,
        exit_hctx: None,
        init_request: None,
        exit_request: None,
        cleanup_rq: None,
        busy: None,
        map_queues: None,
        #[cfg(CONFIG_BLK_DEBUG_FS)]
        show_rq: None,
    };

    pub(super) const fn build() -> &'static bindings::blk_mq_ops {
        &Self::VTABLE
    }
}
