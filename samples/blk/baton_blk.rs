// SPDX-License-Identifier: GPL-2.0

//! A memory-backed block device whose I/O path sleeps in the ways that `baton` is about.
//!
//! ```text
//!   levels.rs  the order of what is taken and waited for
//!   disk.rs    a disk from power-on to removal; resized, frozen and zeroed with nothing in flight
//!   controls.rs  its log and its scrub, whatever else happens to it
//!   shared.rs  one request from queue to end; finish.rs: by whom it is ended
//!   store.rs   the data: pages behind entries that are locked while they are used
//!   checksum.rs  what the checksum of a page is
//!   stamp.rs   what is stamped on a page: its checksum, and whether that is kept elsewhere
//!   sums.rs    where that is: nodes in a pool, a checkpoint, a shrinker
//!   log.rs     the write log: FLUSH and FUA end when their position is stable; ring.rs: its records;
//!              journal.rs: who waits for them, in a fifo.rs, and who works for those
//!   scrub.rs   an agent that compares the data with the checksums
//!   settings.rs, config.rs, stats.rs
//!              what is allowed, /sys/kernel/config/baton, /sys/kernel/debug/baton
//!   patience.rs  how long a write to an attribute waits
//! ```
//!
//! Disks are made in configfs, or at load:
//!
//! ```text
//!   modprobe baton_blk nr_devices=1 size=1024             /dev/baton0
//!   mkdir /sys/kernel/config/baton/scratch
//!   echo 1 >/sys/kernel/config/baton/scratch/power        /dev/scratch
//! ```

mod checksum;
mod config;
mod controls;
mod disk;
mod fifo;
mod finish;
mod journal;
mod levels;
mod log;
mod patience;
mod ring;
mod scrub;
mod settings;
mod shared;
mod stamp;
mod stats;
mod store;
mod sums;

use crate::{
    config::Config,
    disk::Disk,
    settings::{
        Field,
        Settings, //
    },
};
use baton::MaySleep;
use kernel::{
    configfs,
    debugfs::Dir,
    prelude::*,
    str::CString, //
};

module! {
    type: BatonBlk,
    name: "baton_blk",
    authors: ["The baton authors"],
    description: "Memory-backed block device that uses baton",
    license: "GPL",
    params: {
        nr_devices: i64 {
            default: 0,
            description: "Disks to make at load, baton0 and so on (default: 0)",
        },
        size: i64 {
            default: 1024,
            description: "Size of each in MiB; memory is used as it is written to (default: 1024)",
        },
        blocksize: i64 {
            default: 4096,
            description: "Logical block size in bytes, a power of two from 512 to 4096 (default: 4096)",
        },
        submit_queues: i64 {
            default: 1,
            description: "Hardware queues, at most one for each CPU (default: 1)",
        },
        queue_depth: i64 {
            default: 64,
            description: "Requests in flight for each queue (default: 64)",
        },
        discard: i64 {
            default: 1,
            description: "Whether discard is offered (default: 1)",
        },
        write_cache: i64 {
            default: 1,
            description: "Whether a write may end before it is stable, which a flush waits for (default: 1)",
        },
        checksums: i64 {
            default: 3,
            description: "Checksum of a page, for the scrub to compare it with: 0 none, 1 crc32c, 2 xxh64, 3 the faster one of these (default: 3)",
        },
        completion: i64 {
            default: 0,
            description: "Where requests end: 0 inline, 1 workqueue, 2 timer, 3 polled (default: 0)",
        },
    },
}

/// The most disks that the module makes at load.
const MAX_DEVICES: i64 = 16;

/// What the module owns, in the order in which it goes away.
#[pin_data]
struct BatonBlk {
    #[pin]
    configfs: configfs::Subsystem<Config>,
    disks: Disks,
    debugfs: Dir,
}

/// The disks that were made at load. They go when the module does.
struct Disks(KVec<Disk>);

impl Drop for Disks {
    fn drop(&mut self) {
        // ENTRY: the module's exit, or the end of its init.
        let cx = &mut MaySleep::assert();
        while let Some(disk) = self.0.pop() {
            disk.pull(cx);
        }
    }
}

/// Returns the settings that the module's parameters ask for.
fn parameters() -> Result<Settings> {
    let mut settings = Settings::default();
    for (field, value) in [
        (Field::Size, module_parameters::size.value()),
        (Field::BlockSize, module_parameters::blocksize.value()),
        (
            Field::SubmitQueues,
            module_parameters::submit_queues.value(),
        ),
        (Field::QueueDepth, module_parameters::queue_depth.value()),
        (Field::Discard, module_parameters::discard.value()),
        (Field::WriteCache, module_parameters::write_cache.value()),
        (Field::Checksums, module_parameters::checksums.value()),
        (Field::Completion, module_parameters::completion.value()),
    ] {
        settings.set(c"parameter", field, value)?;
    }
    Ok(settings)
}

/// Makes the disks that the module's parameters ask for.
fn disks(debugfs: &Dir, cx: &mut MaySleep) -> Result<Disks> {
    let settings = parameters()?;
    let nr_devices = settings::check(
        c"parameter",
        "nr_devices",
        module_parameters::nr_devices.value(),
        0..=MAX_DEVICES,
    )?;

    let mut disks = Disks(KVec::new());
    for i in 0..nr_devices {
        let name = CString::try_from_fmt(fmt!("baton{i}"))?;
        disks.0.reserve(1, GFP_KERNEL)?;
        let disk = Disk::new(&name, settings, debugfs, cx)?;
        // There is room for it.
        disks.0.push(disk, GFP_KERNEL)?;
    }
    Ok(disks)
}

impl kernel::InPlaceModule for BatonBlk {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        let debugfs = Dir::new(c"baton");
        try_pin_init!(Self {
            disks: disks(&debugfs, &mut MaySleep::assert())?,
            configfs <- config::subsystem(debugfs.clone()),
            debugfs,
        })
    }
}
