// SPDX-License-Identifier: GPL-2.0

//! A disk: built, visible, removed.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use super::{
    Operations,
    TagSet,
    SECTOR_SIZE, //
};
use crate::{
    context::MaySleep,
    ffi, //
};
use core::{
    marker::PhantomData,
    mem,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    bindings,
    error::{
        from_err_ptr,
        to_result, //
    },
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        Arc,
        LockClassKey, //
    },
    types::{
        ForeignOwnable,
        ScopeGuard, //
    },
};

/// What a [`GenDisk`] is going to be.
#[derive(Clone, Copy)]
pub struct GenDiskBuilder {
    capacity_sectors: u64,
    logical_block_size: u32,
    physical_block_size: u32,
    max_sectors: u32,
    discard: Option<(u32, u32)>,
    write_zeroes: Option<u32>,
    write_cache: bool,
    fua: bool,
}

impl Default for GenDiskBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl GenDiskBuilder {
    /// Starts with an empty disk of blocks of 512 bytes that can read and write.
    pub const fn new() -> Self {
        Self {
            capacity_sectors: 0,
            logical_block_size: SECTOR_SIZE,
            physical_block_size: SECTOR_SIZE,
            max_sectors: 0,
            discard: None,
            write_zeroes: None,
            write_cache: false,
            fua: false,
        }
    }

    /// Sets the capacity, in units of 512 bytes.
    pub const fn capacity_sectors(mut self, sectors: u64) -> Self {
        self.capacity_sectors = sectors;
        self
    }

    /// Sets the smallest unit that can be addressed: a power of two from 512 to the page size.
    pub const fn logical_block_size(mut self, bytes: u32) -> Self {
        self.logical_block_size = bytes;
        self
    }

    /// Sets the smallest unit that is written at once: a power of two, at least a logical block.
    pub const fn physical_block_size(mut self, bytes: u32) -> Self {
        self.physical_block_size = bytes;
        self
    }

    /// Sets the size of the largest read or write, in units of 512 bytes.
    #[doc(alias = "max_hw_sectors")]
    pub const fn max_sectors(mut self, sectors: u32) -> Self {
        self.max_sectors = sectors;
        self
    }

    /// Offers discard, of up to `max_sectors`, worth doing from `granularity` bytes on.
    #[doc(alias = "max_hw_discard_sectors")]
    pub const fn discard(mut self, max_sectors: u32, granularity: u32) -> Self {
        self.discard = Some((max_sectors, granularity));
        self
    }

    /// Offers write-zeroes, of up to `max_sectors`.
    #[doc(alias = "max_write_zeroes_sectors")]
    pub const fn write_zeroes(mut self, max_sectors: u32) -> Self {
        self.write_zeroes = Some(max_sectors);
        self
    }

    /// Says that an acknowledged write is stable only after a flush, and whether the driver knows
    /// to make a single write stable (otherwise the block layer flushes after it).
    #[doc(alias("BLK_FEAT_WRITE_CACHE", "BLK_FEAT_FUA"))]
    pub const fn write_cache(mut self, fua: bool) -> Self {
        self.write_cache = true;
        self.fua = fua;
        self
    }

    /// Returns whether a disk can have blocks of `bytes`.
    pub fn is_block_size(bytes: u32) -> bool {
        bytes.is_power_of_two() && (SECTOR_SIZE..=PAGE_SIZE as u32).contains(&bytes)
    }

    fn limits(&self) -> Result<bindings::queue_limits> {
        if !Self::is_block_size(self.logical_block_size)
            || !self.physical_block_size.is_power_of_two()
            || self.physical_block_size < self.logical_block_size
        {
            return Err(EINVAL);
        }
        let mut lim = bindings::queue_limits {
            logical_block_size: self.logical_block_size,
            physical_block_size: self.physical_block_size,
            max_hw_sectors: self.max_sectors,
            ..pin_init::zeroed()
        };
        if let Some((max_sectors, granularity)) = self.discard {
            lim.max_hw_discard_sectors = max_sectors;
            lim.discard_granularity = granularity;
        }
        if let Some(max_sectors) = self.write_zeroes {
            lim.max_write_zeroes_sectors = max_sectors;
            lim.max_hw_wzeroes_unmap_sectors = max_sectors;
        }
        // SAFETY: `lim` is valid, and the helper only sets bits in it.
        unsafe { ffi::baton_blk_limits(&mut lim, self.write_cache, self.fua) };
        Ok(lim)
    }

    /// Builds the disk and makes it visible as `/dev/NAME`.
    ///
    /// Requests may come before this returns: the block layer looks for partitions. `class` tells
    /// lockdep which disks are alike: pass [`kernel::static_lock_class!`].
    pub fn build<T: Operations>(
        self,
        name: &CStr,
        tags: Arc<TagSet<T>>,
        data: T::Data,
        class: Pin<&'static LockClassKey>,
        _cx: &mut MaySleep,
    ) -> Result<GenDisk<T>> {
        let mut lim = self.limits()?;

        let data = data.into_foreign();
        let data_guard = ScopeGuard::new(move || {
            // SAFETY: `data` came from `into_foreign()` above and was not taken back since; the
            // guard runs only when no disk knows it.
            drop(unsafe { T::Data::from_foreign(data) });
        });

        // SAFETY: `tags` is initialised and outlives the disk, which keeps a reference; `lim` is
        // valid for the call; the key is static.
        let disk = from_err_ptr(unsafe {
            bindings::__blk_mq_alloc_disk(tags.as_ptr(), &mut lim, data, class.as_ptr())
        })?;
        // Declared after `data_guard`, hence run before it.
        let disk_guard = ScopeGuard::new(move || {
            // SAFETY: The disk was allocated above and not added: this frees it.
            unsafe { bindings::put_disk(disk) };
        });

        let bytes = name.to_bytes_with_nul();
        // SAFETY: The disk is valid, and nobody else knows it yet.
        let disk_name = unsafe { &mut (*disk).disk_name };
        let disk_name = disk_name.get_mut(..bytes.len()).ok_or(ENAMETOOLONG)?;
        for (to, from) in disk_name.iter_mut().zip(bytes) {
            *to = *from;
        }

        // SAFETY: The disk is valid, and nobody else knows it yet.
        unsafe { (*disk).fops = GenDisk::<T>::fops() };
        // SAFETY: The disk is valid; `set_capacity()` does its own locking.
        unsafe { bindings::set_capacity(disk, self.capacity_sectors) };
        // SAFETY: The disk is set up, has a name and was not added before.
        to_result(unsafe { bindings::device_add_disk(ptr::null_mut(), disk, ptr::null_mut()) })?;

        disk_guard.dismiss();
        data_guard.dismiss();
        // INVARIANT: The disk was allocated on `tags`, with `data`, and added.
        Ok(GenDisk {
            // SAFETY: `from_err_ptr()` let only a valid pointer through.
            disk: unsafe { NonNull::new_unchecked(disk) },
            _tags: tags,
            _data: PhantomData,
        })
    }
}

/// A disk that user space can see.
///
/// Dropping it removes it: it disappears, requests in flight are waited for, and then the driver's
/// data is dropped. Who has it open keeps a dead disk, whose I/O fails, and keeps the module.
///
/// # Invariants
///
/// - `disk` is valid, was added, and was not deleted.
/// - Its queue lives on `_tags`, and its `queuedata` is a `T::Data` turned foreign.
/// - Its `private_data` is null if it may be opened; it is written under `open_mutex` only.
pub struct GenDisk<T: Operations> {
    disk: NonNull<bindings::gendisk>,
    _tags: Arc<TagSet<T>>,
    _data: PhantomData<T::Data>,
}

// SAFETY: A disk is not tied to a task; `T::Data`, which is dropped with it, is `Send`.
unsafe impl<T: Operations> Send for GenDisk<T> {}

// SAFETY: What can be done with `&GenDisk` is synchronised by the block layer.
unsafe impl<T: Operations> Sync for GenDisk<T> {}

impl<T: Operations> GenDisk<T> {
    /// Makes every later open fail with `ENXIO`.
    ///
    /// Returns `EBUSY`, and changes nothing, if the disk is open or mounted. After success nobody
    /// has it open and nobody can: removing it loses no one's data.
    pub fn claim(&self, _cx: &mut MaySleep) -> Result {
        // SAFETY: The disk is valid by the type invariants.
        to_result(unsafe { ffi::baton_blk_disk_claim(self.disk.as_ptr()) })
    }

    /// Says that the disk is gone, as if it had been pulled out: from now on its I/O fails, and
    /// file systems on it shut down instead of writing back.
    #[doc(alias = "blk_mark_disk_dead")]
    pub fn mark_dead(&self, _cx: &mut MaySleep) {
        // SAFETY: The disk is valid and live by the type invariants.
        unsafe { bindings::blk_mark_disk_dead(self.disk.as_ptr()) };
    }

    /// Changes the capacity, in units of 512 bytes, and tells user space.
    ///
    /// Requests that were submitted before may reach beyond a smaller capacity: the driver has to
    /// refuse them.
    #[doc(alias = "set_capacity_and_notify")]
    pub fn set_capacity_sectors(&self, sectors: u64, _cx: &mut MaySleep) {
        // SAFETY: The disk is valid and live by the type invariants.
        unsafe { bindings::set_capacity_and_notify(self.disk.as_ptr(), sectors) };
    }

    /// Removes the disk: waits until the last request has ended.
    ///
    /// The same as dropping it, where the caller can show that it may sleep.
    pub fn remove(self, _cx: &mut MaySleep) {
        drop(self);
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

    const FOPS: bindings::block_device_operations = bindings::block_device_operations {
        open: Some(Self::open),
        // Whoever has the disk open pins the module that serves it.
        owner: kernel::module::this_module::<T::OwnerModule>().as_ptr(),
        // SAFETY: All fields may be zero: they are optional functions and pointers.
        ..unsafe { mem::zeroed() }
    };

    const fn fops() -> &'static bindings::block_device_operations {
        &Self::FOPS
    }
}

impl<T: Operations> Drop for GenDisk<T> {
    fn drop(&mut self) {
        let disk = self.disk.as_ptr();
        // SAFETY: The disk is valid by the type invariants.
        let data = unsafe { (*(*disk).queue).queuedata };

        // SAFETY: The disk was added and not deleted, by the type invariants.
        unsafe { bindings::del_gendisk(disk) };
        // SAFETY: The reference from `__blk_mq_alloc_disk()` is ours, and dropped only here.
        unsafe { bindings::put_disk(disk) };
        // SAFETY: `data` came from `into_foreign()`, by the type invariants. `del_gendisk()` left
        // the queue frozen and drained, even for who still has the disk open: there is no request
        // and no dispatch any more that could borrow it.
        drop(unsafe { T::Data::from_foreign(data) });
        // The tags go last, when `_tags` is dropped.
    }
}
