// SPDX-License-Identifier: GPL-2.0

//! A disk: visible, claimed, removed.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use super::{
    operations::OperationsVTable,
    Operations,
    TagSet, //
};
use crate::{
    context::MaySleep,
    ffi,
    owner::{
        Owned,
        Teardown,
        TeardownError, //
    },
};
use core::{
    marker::PhantomData,
    mem,
    panic::Location,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc, //
    },
    time::Jiffies,
    types::ForeignOwnable, //
};

/// A reference to a disk.
///
/// # Invariants
///
/// The disk is valid, and one reference to it belongs to this.
struct DiskRef(NonNull<bindings::gendisk>);

impl Drop for DiskRef {
    // SLEEPS: with the core of a disk, which the reaper, a teardown or the constructor drops: they may.
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { bindings::put_disk(self.0.as_ptr()) };
    }
}

/// What the ledger knows of a disk.
///
/// # Invariants
///
/// - The queue of `disk` lives on `tags`. Until `tear_down()` has run its `queuedata` is a `T::Data`
///   turned foreign.
/// - `disk.private_data` is null if the disk may be opened; it is written under `open_mutex` only.
/// - The queue is frozen once more for this exactly while `frozen` is set.
pub(super) struct Core<T: Operations> {
    /// First, because the queue must be gone before its tags.
    disk: DiskRef,
    tags: Arc<TagSet<T>>,
    added: Atomic<bool>,
    pub(super) frozen: Atomic<bool>,
    pub(super) gone: Atomic<bool>,
    _data: PhantomData<T::Data>,
}

// SAFETY: A disk is not tied to a task; `T::Data`, which is dropped with it, is `Send`.
unsafe impl<T: Operations> Send for Core<T> {}

// SAFETY: What can be done with `&Core` is synchronised by the block layer, and by the atomics.
unsafe impl<T: Operations> Sync for Core<T> {}

impl<T: Operations> Core<T> {
    pub(super) fn disk(&self) -> *mut bindings::gendisk {
        self.disk.0.as_ptr()
    }

    pub(super) fn queue(&self) -> *mut bindings::request_queue {
        // SAFETY: The disk is valid by the type invariants, and its queue does not change.
        unsafe { (*self.disk()).queue }
    }

    pub(super) fn tags(&self) -> &TagSet<T> {
        &self.tags
    }

    /// Lets requests in again, if they were kept out.
    pub(super) fn thaw(&self) {
        if self.frozen.xchg(false, Full) {
            // D, pairs with C
            // SAFETY: The queue is valid, and was frozen once for this flag.
            unsafe { bindings::blk_mq_unfreeze_queue_non_owner(self.queue()) };
        }
    }
}

impl<T: Operations> Teardown for Core<T> {
    const KIND: &'static str = "disk";
    const IN_ORDER: &'static str = "remove(cx)";

    fn tear_down(&self) {
        // SAFETY: The queue is valid, and nobody writes to the field but this function.
        let data = unsafe { (*self.queue()).queuedata };
        if self.added.load(Relaxed) {
            // The same two steps, the other way round, are in `GenDisk::freeze()`: one of the two
            // sees what the other one has written, and thaws.
            self.gone.xchg(true, Full); // B, pairs with C

            // What is written back last must not wait for a thaw.
            self.thaw();
            // SAFETY: The disk was added and not deleted: this is called once.
            unsafe { bindings::del_gendisk(self.disk()) };
            // The queue stays frozen, and every request has ended. But the task that has dispatched
            // the last one directly may still be on its way out of `queue_rq()`:
            //
            //   submitter                             remover
            //   1 blk_mq_try_issue_directly()
            //   2   queue_rq(): ends the request
            //                                         3 del_gendisk(): nothing is in flight
            //                                         4 drops the data
            //   5   queue_rq(): uses the data
            //
            // SAFETY: The tag set is valid.
            unsafe { bindings::blk_mq_wait_quiesce_done(self.tags.as_ptr()) };
        }
        // SAFETY: `data` came from `into_foreign()`, by the type invariants. There is no request, no
        // dispatch and no poller any more that could borrow it.
        drop(unsafe { T::Data::from_foreign(data) });
    }

    fn is_current(&self) -> bool {
        // SAFETY: The pointer is only compared.
        unsafe { ffi::baton_blk_is_serving(self.queue()) }
    }
}

/// A disk that user space can see.
///
/// [`GenDisk::remove`] removes it: it disappears, requests in flight are waited for, and then the
/// driver's data is dropped. Who has it open keeps a dead disk, whose I/O fails, and keeps the module.
///
/// A destructor cannot wait for requests. So dropping the disk, in any context, leaves its removal to a
/// worker, and the log says so. `mem::forget`, or a disk in a `static`, leaves it there until the module
/// goes, which removes it. A driver that drops its disk in its own [`Operations::queue_rq`] is no
/// exception; one that removes it there is refused with `EDEADLK`.
pub struct GenDisk<T: Operations> {
    pub(super) core: Owned<Core<T>>,
}

impl<T: Operations> GenDisk<T> {
    /// # Safety
    ///
    /// `disk` must be allocated on `tags`, with a `T::Data` turned foreign, and not added. The caller
    /// gives up its reference. It keeps the data if this fails.
    pub(super) unsafe fn new(
        disk: *mut bindings::gendisk,
        tags: Arc<TagSet<T>>,
        name: &CStr,
        place: &'static Location<'static>,
    ) -> Result<Self> {
        // INVARIANT: The reference is ours.
        // SAFETY: A disk that was allocated is not null.
        let disk = DiskRef(unsafe { NonNull::new_unchecked(disk) });
        // INVARIANT: By the safety requirements; it is not frozen.
        let core = Core {
            disk,
            tags,
            added: Atomic::new(false),
            frozen: Atomic::new(false),
            gone: Atomic::new(false),
            _data: PhantomData,
        };
        let code = OperationsVTable::<T>::code();
        let core = Owned::new(name, code, place, Ok::<_, Error>(core))?;
        Ok(Self { core })
    }

    /// Makes it visible.
    pub(super) fn add(self) -> Result<Self> {
        let disk = self.core.disk();
        // From here on requests may come.
        self.core.added.store(true, Relaxed);
        // SAFETY: The disk is set up, has a name and was not added before.
        let errno = unsafe { bindings::device_add_disk(ptr::null_mut(), disk, ptr::null_mut()) };
        let added = to_result(errno);
        if let Err(e) = added {
            self.core.added.store(false, Relaxed);
            self.core.tear_down()?;
            return Err(e);
        }
        Ok(self)
    }

    /// Makes every later open fail with `ENXIO`.
    ///
    /// Returns `EBUSY`, and changes nothing, if the disk is still open or mounted after `patience`
    /// jiffies: programs that look at every new disk have it open for a moment. After success nobody
    /// has it open and nobody can: removing it loses no one's data.
    ///
    /// Context: may sleep.
    pub fn claim(&self, patience: Jiffies, _cx: &mut MaySleep) -> Result {
        // SAFETY: The disk is valid by the type invariants.
        to_result(unsafe { ffi::baton_blk_disk_claim(self.core.disk(), patience) })
    }

    /// Says that the disk is gone, as if it had been pulled out: from now on its I/O fails, and
    /// file systems on it shut down instead of writing back.
    ///
    /// Context: may sleep.
    #[doc(alias = "blk_mark_disk_dead")]
    pub fn mark_dead(&self, _cx: &mut MaySleep) {
        // SAFETY: The disk is valid by the type invariants.
        unsafe { bindings::blk_mark_disk_dead(self.core.disk()) };
    }

    /// Changes the capacity, in units of 512 bytes, and tells user space.
    ///
    /// Requests that were submitted before may reach beyond a smaller capacity: the driver has to
    /// refuse them, or nothing is in flight: see [`GenDisk::while_frozen`]. What the page cache has of
    /// them stays: see [`GenDisk::forget_cache`].
    ///
    /// Context: may sleep.
    #[doc(alias = "set_capacity_and_notify")]
    pub fn set_capacity_sectors(&self, sectors: u64, _cx: &mut MaySleep) {
        // SAFETY: The disk is valid by the type invariants.
        unsafe { bindings::set_capacity_and_notify(self.core.disk(), sectors) };
    }

    /// Removes the disk: waits until the last request has ended, and drops the data.
    ///
    /// What is dirty in the page cache is written back first, unless the disk was marked dead.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// `EDEADLK`, and the disk, in the disk's own [`Operations::queue_rq`]: its return is among what
    /// would be waited for.
    #[doc(alias = "del_gendisk")]
    pub fn remove(self, _cx: &mut MaySleep) -> Result<(), TeardownError<Self>> {
        self.core
            .tear_down()
            .map_err(|refused| refused.map(|core| Self { core }))
    }

    /// Called by the block layer, with `open_mutex` held, when the disk is opened.
    ///
    /// # Safety
    ///
    /// `disk` must be valid.
    unsafe extern "C" fn open(disk: *mut bindings::gendisk, _mode: bindings::blk_mode_t) -> c_int {
        // SAFETY: The disk is valid, and the block layer holds `open_mutex`.
        if unsafe { (*disk).private_data }.is_null() {
            0
        } else {
            ENXIO.to_errno()
        }
    }

    /// Called by the block layer when somebody has closed the disk.
    ///
    /// # Safety
    ///
    /// `disk` must be valid.
    unsafe extern "C" fn release(disk: *mut bindings::gendisk) {
        // SAFETY: The disk is valid.
        unsafe { ffi::baton_blk_disk_released(disk) };
    }

    const FOPS: bindings::block_device_operations = bindings::block_device_operations {
        open: Some(Self::open),
        release: Some(Self::release),
        // Whoever has the disk open pins the module that serves it.
        owner: kernel::module::this_module::<T::OwnerModule>().as_ptr(),
        // SAFETY: All fields may be zero: they are optional functions and pointers.
        ..unsafe { mem::zeroed() }
    };

    pub(super) const fn fops() -> &'static bindings::block_device_operations {
        &Self::FOPS
    }
}
