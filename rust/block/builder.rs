// SPDX-License-Identifier: GPL-2.0

//! What a disk is going to be, and how it is built.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use super::{
    GenDisk,
    Operations,
    TagSet,
    SECTOR_SIZE, //
};
use crate::{
    context::MaySleep,
    ffi, //
};
use core::panic::Location;
use kernel::{
    bindings,
    error::from_err_ptr,
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
///
/// Plain data: dropping it does nothing.
///
/// Context of its functions: any, unless they say otherwise.
#[derive(Clone, Copy)]
pub struct GenDiskBuilder {
    capacity_sectors: u64,
    logical_block_size: u32,
    physical_block_size: u32,
    max_sectors: u32,
    dma_alignment: u32,
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
            dma_alignment: SECTOR_SIZE,
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

    /// Sets how buffers in memory have to be aligned: a power of two from 2 to the page size; 512
    /// unless it is set.
    ///
    /// Direct I/O with a buffer that is not aligned in this way fails with `EINVAL`. With less than
    /// 512, a block of the disk may lie in two segments of a request; [`Source`](super::Source) and
    /// [`Sink`](super::Sink) copy across that.
    #[doc(alias("blk_queue_update_dma_alignment", "dma_alignment"))]
    pub const fn buffer_alignment(mut self, bytes: u32) -> Self {
        self.dma_alignment = bytes;
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
            || !self.dma_alignment.is_power_of_two()
            || !(2..=PAGE_SIZE as u32).contains(&self.dma_alignment)
        {
            return Err(EINVAL);
        }
        let mut lim = bindings::queue_limits {
            logical_block_size: self.logical_block_size,
            physical_block_size: self.physical_block_size,
            max_hw_sectors: self.max_sectors,
            // A mask: 0 would mean 511.
            dma_alignment: self.dma_alignment - 1,
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
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL` for sizes that no disk can have, `ENAMETOOLONG`; `EEXIST` if a disk, a partition or
    /// something else in `/dev` is called `name`; `ENOMEM`.
    #[doc(alias("blk_mq_alloc_disk", "add_disk"))]
    #[track_caller]
    pub fn build<T: Operations>(
        self,
        name: &CStr,
        tags: Arc<TagSet<T>>,
        data: T::Data,
        class: Pin<&'static LockClassKey>,
        _cx: &mut MaySleep,
    ) -> Result<GenDisk<T>> {
        let place = Location::caller();
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
        // SAFETY: The disk is valid and has a name.
        if unsafe { ffi::baton_blk_name_is_taken(disk) } {
            return Err(EEXIST);
        }

        // SAFETY: The disk is valid, and nobody else knows it yet.
        unsafe { (*disk).fops = GenDisk::<T>::fops() };
        // SAFETY: The disk is valid; `set_capacity()` does its own locking.
        unsafe { bindings::set_capacity(disk, self.capacity_sectors) };

        disk_guard.dismiss();
        // SAFETY: The disk was allocated on `tags`, with `data`, and not added; it is ours.
        let whole = unsafe { GenDisk::new(disk, tags, name, place)? };
        data_guard.dismiss();
        whole.add()
    }
}
