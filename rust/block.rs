// SPDX-License-Identifier: GPL-2.0

//! Block layer accessors that the `kernel` crate of 7.3 does not have.
//!
//! `kernel::block::mq` cannot carry a driver that moves data: its `TagSet` has neither flags nor
//! depth per map, its `GenDisk` has no module owner, and its `Request` knows no operation, sector,
//! data or error. This module is a thin and safe layer over the same C interface with what the
//! driver in `samples/blk/` needs. It is shaped like the rnull series that is on its way upstream
//! (a request is *owned*, and ending it consumes it), so that it can be deleted when `kernel` has
//! caught up.
//!
//! - [`TagSet`]: hardware queues and depth, `BLK_MQ_F_BLOCKING`.
//! - [`GenDiskBuilder`] and [`GenDisk`]: limits, capacity, name; `fops.owner` is the module that
//!   implements [`Operations`], hence `rmmod` with the disk open is refused. A disk is frozen where
//!   requests do not exist yet, and its page cache follows its data.
//! - [`Operations`]: what a driver implements; it may sleep, and has the capability that says so.
//! - [`Request`]: one started request, ended exactly once; [`Queued`]: the same before a driver has
//!   decided what becomes of it, which does not link if it does not.
//! - [`Source`] and [`Sink`]: the data of a request, towards the driver and from it.
//! - [`crc32c`], [`xxh64`]: the checksums that block devices use.
//! - [`without_io`]: for threads on which I/O depends.
//! - [`PagePool`]: pages that are known by a number, each handed out to one borrower at a time, or to
//!   several who only read it.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

mod builder;
mod checksum;
mod data;
mod freeze;
mod gen_disk;
mod noio;
mod operations;
mod page_pool;
mod queued;
mod request;
mod tag_set;

pub use self::{
    builder::GenDiskBuilder,
    checksum::{
        crc32c,
        xxh64, //
    },
    data::{
        Sink,
        Source, //
    },
    gen_disk::GenDisk,
    noio::{
        is_without_io,
        without_io, //
    },
    operations::Operations,
    page_pool::{
        PageBytes,
        PagePool,
        PageRef,
        SharedPage, //
    },
    queued::Queued,
    request::{
        dropped_requests,
        Op,
        Polled,
        Request, //
    },
    tag_set::TagSet,
};

/// `log2` of the unit in which the block layer counts.
pub const SECTOR_SHIFT: u32 = kernel::bindings::SECTOR_SHIFT;

/// The unit in which the block layer counts, in bytes.
pub const SECTOR_SIZE: u32 = kernel::bindings::SECTOR_SIZE;
