// SPDX-License-Identifier: GPL-2.0

//! The tags of a disk: how many requests can be in flight, on how many queues.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use super::{
    operations::OperationsVTable,
    Operations, //
};
use crate::ffi;
use core::{
    marker::PhantomData,
    ops::RangeInclusive,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    cpu::nr_cpu_ids,
    error::to_result,
    prelude::*,
    static_lock_class,
    str::CStr,
    sync::Mutex, //
};

// A static: the initialiser is compiled into each crate that makes tags, and lockdep wants one key to
// have one name, at one address.
static LOCK_NAME: &CStr = c"TagSet::changing";

/// Refuses a number that is not in `range`, and says so.
fn allowed(what: &str, value: u32, range: RangeInclusive<u32>) -> Result {
    if range.contains(&value) {
        return Ok(());
    }
    pr_err!(
        "{} {} are invalid, allowed: {} to {}\n",
        value,
        what,
        range.start(),
        range.end()
    );
    Err(EINVAL)
}

/// A `struct blk_mq_tag_set` whose queues may sleep.
///
/// Every disk on it has a reference. Dropping the last one, in any context, leaves it to a worker to free
/// the tags, for which it sleeps. `mem::forget` of the `Arc` leaks them. Nothing of it waits by itself:
/// [`GenDisk::set_queues`](super::GenDisk::set_queues) does, for the requests of its disks.
///
/// # Invariants
///
/// `set` was initialised by `blk_mq_alloc_tag_set()` with the operations of `T`.
#[pin_data]
pub struct TagSet<T: Operations> {
    set: Tags,
    #[pin]
    changing: Mutex<()>,
    _operations: PhantomData<T>,
}

// SAFETY: A tag set is not tied to a task: the block layer uses it from wherever requests come. It
// holds no `T`.
unsafe impl<T: Operations> Send for TagSet<T> {}

// SAFETY: What is done with `&TagSet` is synchronised by the block layer, and by `changing`.
unsafe impl<T: Operations> Sync for TagSet<T> {}

/// Owns tags that are initialised.
///
/// # Invariants
///
/// The tag set was initialised by `blk_mq_alloc_tag_set()`, and stays where it is until it is freed.
struct Tags(NonNull<bindings::blk_mq_tag_set>);

impl Drop for Tags {
    fn drop(&mut self) {
        // SAFETY: By the type invariants, and no queue uses it any more: every `GenDisk` on it holds a
        // reference to it until its queue is gone.
        unsafe { ffi::baton_blk_tags_free(self.0.as_ptr()) };
    }
}

impl<T: Operations> TagSet<T> {
    /// Creates tags for `hw_queues` queues and `poll_queues` more with `depth` requests each.
    ///
    /// Requests whose submitter polls for them come to the latter, if there are any: see
    /// [`Operations::poll`].
    ///
    /// `BLK_MQ_F_BLOCKING` is set: [`Operations::queue_rq`] runs in a task and may sleep.
    /// `BLK_MQ_F_STACKING` is set: a CPU that goes offline does not wait for requests of its queue.
    /// There is no interrupt that would be lost with it, and a request may be kept for long.
    ///
    /// The block layer may reduce the depth: see [`TagSet::depth`].
    ///
    /// Context: initialising it may sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL` for numbers that are not allowed, which the log names, and for poll queues without
    /// [`Operations::poll`]; those of `blk_mq_alloc_tag_set()`.
    pub fn new(hw_queues: u32, poll_queues: u32, depth: u32) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            set: Self::alloc(hw_queues, poll_queues, depth)?,
            changing <- Mutex::new((), LOCK_NAME, static_lock_class!()),
            _operations: PhantomData,
        })
    }

    fn alloc(hw_queues: u32, poll_queues: u32, depth: u32) -> Result<Tags> {
        Self::check(hw_queues, poll_queues)?;
        allowed(
            "requests for each queue",
            depth,
            1..=bindings::BLK_MQ_MAX_DEPTH,
        )?;
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
            flags: bindings::BLK_MQ_F_BLOCKING | bindings::BLK_MQ_F_STACKING,
            ..pin_init::zeroed()
        };
        // SAFETY: A plain allocation.
        let set = NonNull::new(unsafe { ffi::baton_blk_tags_alloc() }).ok_or(ENOMEM)?;
        // SAFETY: It was just allocated.
        unsafe { set.write(new) };
        // SAFETY: The tag set is zeroed but for its parameters, and stays where it is.
        if let Err(e) = to_result(unsafe { bindings::blk_mq_alloc_tag_set(set.as_ptr()) }) {
            // SAFETY: It was allocated, and is not initialised.
            unsafe { ffi::baton_blk_tags_discard(set.as_ptr()) };
            return Err(e);
        }
        // INVARIANT: It was initialised with the operations of `T`.
        Ok(Tags(set))
    }

    /// Refuses numbers of queues that there cannot be.
    fn check(hw_queues: u32, poll_queues: u32) -> Result {
        let cpus = nr_cpu_ids();
        allowed("hardware queues", hw_queues, 1..=cpus)?;
        allowed(
            "poll queues",
            poll_queues,
            0..=if T::HAS_POLL { cpus } else { 0 },
        )
    }

    /// Changes the numbers of queues: see [`GenDisk::set_queues`](super::GenDisk::set_queues).
    ///
    /// Nothing may be in flight, or this waits for it.
    pub(super) fn set_queues(&self, hw_queues: u32, poll_queues: u32) -> Result {
        Self::check(hw_queues, poll_queues)?;
        let _changing = self.changing.lock();
        let set = self.as_ptr();
        // SAFETY: `set` is valid by the type invariants, and `nr_maps` never changes.
        let polled = unsafe { (*set).nr_maps } > 1;
        if polled != (poll_queues > 0) {
            return Err(EINVAL);
        }
        let total = hw_queues + poll_queues;
        // SAFETY: The block layer reads the field in `map_queues()` only, which nobody else causes now.
        let before = unsafe {
            let field = &raw mut (*set).driver_data;
            field.replace(core::ptr::without_provenance_mut(poll_queues as usize))
        };
        // SAFETY: `set` is valid by the type invariants.
        unsafe { bindings::blk_mq_update_nr_hw_queues(set, total as c_int) };
        if self.hw_queues() == total {
            return Ok(());
        }
        // The block layer was out of memory, and has kept the number. Map as before.
        // SAFETY: As above.
        unsafe {
            (*set).driver_data = before;
            bindings::blk_mq_update_nr_hw_queues(set, self.hw_queues() as c_int);
        }
        Err(ENOMEM)
    }

    /// Returns the number of hardware queues that were set up, those for polling among them.
    ///
    /// Context: any.
    pub fn hw_queues(&self) -> u32 {
        // SAFETY: `set` is valid by the type invariants. The block layer may write to the field
        // meanwhile: see `set_queues()`.
        unsafe { (&raw const (*self.as_ptr()).nr_hw_queues).read_volatile() }
    }

    /// Returns the number of requests that each queue can have in flight.
    ///
    /// Context: any.
    pub fn depth(&self) -> u32 {
        // SAFETY: `set` is valid by the type invariants, and the field does not change after
        // `blk_mq_alloc_tag_set()`.
        unsafe { (*self.as_ptr()).queue_depth }
    }

    pub(super) fn as_ptr(&self) -> *mut bindings::blk_mq_tag_set {
        self.set.0.as_ptr()
    }
}
