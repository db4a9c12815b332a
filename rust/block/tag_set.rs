// SPDX-License-Identifier: GPL-2.0

//! The tags of a disk: how many requests can be in flight, on how many queues.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use super::{
    operations::OperationsVTable,
    Operations, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    types::Opaque, //
};

/// A `struct blk_mq_tag_set` whose queues may sleep.
///
/// `struct blk_mq_tag_set` contains a `struct list_head` and so must be pinned.
///
/// # Invariants
///
/// `inner` was initialised by `blk_mq_alloc_tag_set()` with the operations of `T`.
#[pin_data(PinnedDrop)]
pub struct TagSet<T: Operations> {
    #[pin]
    inner: Opaque<bindings::blk_mq_tag_set>,
    _operations: PhantomData<T>,
}

// SAFETY: A tag set is not tied to a task: the block layer uses it from wherever requests come,
// and `blk_mq_free_tag_set()` may be called by any task that may sleep. It holds no `T`.
unsafe impl<T: Operations> Send for TagSet<T> {}

// SAFETY: There are no operations on `&TagSet` but handing its address to the block layer, which
// synchronises what it does with it.
unsafe impl<T: Operations> Sync for TagSet<T> {}

impl<T: Operations> TagSet<T> {
    /// Creates tags for `hw_queues` queues and `poll_queues` more with `depth` requests each.
    ///
    /// Requests whose submitter polls for them come to the latter, if there are any: see
    /// [`Operations::poll`].
    ///
    /// `BLK_MQ_F_BLOCKING` is set: [`Operations::queue_rq`] runs in a task and may sleep.
    ///
    /// The block layer may reduce both numbers: see [`TagSet::hw_queues`], [`TagSet::depth`].
    ///
    /// # Errors
    ///
    /// `EINVAL` for poll queues without [`Operations::poll`]; those of `blk_mq_alloc_tag_set()`.
    pub fn new(hw_queues: u32, poll_queues: u32, depth: u32) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            inner <- Opaque::try_ffi_init(move |set: *mut bindings::blk_mq_tag_set| {
                if poll_queues > 0 && !T::HAS_POLL {
                    return Err(EINVAL);
                }
                let nr_maps = if poll_queues > 0 {
                    bindings::hctx_type_HCTX_MAX_TYPES
                } else {
                    1
                };
                let new = bindings::blk_mq_tag_set {
                    ops: OperationsVTable::<T>::build(),
                    nr_hw_queues: hw_queues + poll_queues,
                    nr_maps,
                    // A number for `map_queues()`, not a pointer.
                    driver_data: core::ptr::without_provenance_mut(poll_queues as usize),
                    queue_depth: depth,
                    numa_node: bindings::NUMA_NO_NODE,
                    flags: bindings::BLK_MQ_F_BLOCKING,
                    ..pin_init::zeroed()
                };
                // SAFETY: `set` is valid for writes, as `try_ffi_init()` promises.
                unsafe { set.write(new) };
                // INVARIANT: On success, the tag set is initialised; on failure, there is none.
                // SAFETY: `set` points to a tag set that is zeroed but for its parameters, and it
                // stays where it is because it is pinned.
                to_result(unsafe { bindings::blk_mq_alloc_tag_set(set) })
            }),
            _operations: PhantomData,
        })
    }

    /// Returns the number of hardware queues that were set up.
    pub fn hw_queues(&self) -> u32 {
        // SAFETY: `inner` is valid by the type invariants, and the field does not change after
        // `blk_mq_alloc_tag_set()`: nothing here calls `blk_mq_update_nr_hw_queues()`.
        unsafe { (*self.inner.get()).nr_hw_queues }
    }

    /// Returns the number of requests that each queue can have in flight.
    pub fn depth(&self) -> u32 {
        // SAFETY: `inner` is valid by the type invariants, and the field does not change after
        // `blk_mq_alloc_tag_set()`.
        unsafe { (*self.inner.get()).queue_depth }
    }

    pub(super) fn as_ptr(&self) -> *mut bindings::blk_mq_tag_set {
        self.inner.get()
    }
}

#[pinned_drop]
impl<T: Operations> PinnedDrop for TagSet<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: `inner` is initialised by the type invariants, and no queue uses it any more:
        // every `GenDisk` on it holds a reference to it until its queue is gone.
        unsafe { bindings::blk_mq_free_tag_set(self.inner.get()) };
    }
}
