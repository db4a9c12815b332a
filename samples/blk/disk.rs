// SPDX-License-Identifier: GPL-2.0

//! A disk from power-on to removal.

use crate::{
    controls::Controls,
    scrub::Scrub,
    settings::Settings,
    shared::{
        show_audit,
        Queue,
        Shared, //
    },
    sums::Sums, //
};
use baton::{
    block::{
        self,
        without_io,
        GenDisk,
        GenDiskBuilder,
        TagSet, //
    },
    drain::{
        Drain,
        OwnedShut, //
    },
    event::{
        Killable,
        Uninterruptible, //
    },
    shrinker::{
        Seeks,
        Shrinker, //
    },
    Agent,
    MaySleep,
    Thread, //
};
use kernel::{
    debugfs::{
        Dir,
        File, //
    },
    page::PAGE_SIZE,
    prelude::*,
    static_lock_class,
    str::CString,
    sync::Arc,
    uaccess::UserSliceReader, //
};

/// The largest read or write: 1 MiB.
const MAX_SECTORS: u32 = 1 << (20 - block::SECTOR_SHIFT);

/// The largest discard and write-zeroes: 1 GiB.
const MAX_RANGE_SECTORS: u32 = 1 << (30 - block::SECTOR_SHIFT);

/// The log thread of a disk. When it is dropped, the log is shut down and the thread has exited.
struct LogThread {
    shared: Arc<Shared>,
    thread: Option<Thread>,
}

impl LogThread {
    fn new(shared: Arc<Shared>, cx: &mut MaySleep) -> Result<Self> {
        let own = shared.clone();
        let thread = Thread::spawn(cx, c"baton_blk_log", move |cx, _stop| {
            without_io(cx, |cx| own.log.run(&own.store, &own.stats, cx))
        })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }
}

impl Drop for LogThread {
    fn drop(&mut self) {
        // ENTRY: the disk goes away, in whatever may sleep.
        let cx = &mut MaySleep::assert();
        self.shared.log.shut_down(cx);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(cx);
        }
    }
}

/// Waits, when it is dropped, until the last request has not only ended but let go of the gate: whatever
/// ends requests is done then.
struct LastRequest(Arc<Shared>);

impl Drop for LastRequest {
    fn drop(&mut self) {
        // ENTRY: the disk goes away, in whatever may sleep.
        let cx = &mut MaySleep::assert();
        let shut = self.0.gate.shut(cx, Uninterruptible);
        let drained = shut.and_then(|shut| shut.wait(cx, Uninterruptible));
        if let Err(e) = drained {
            pr_err!("a disk goes away with requests in flight: {:?}\n", e);
        }
        self.0.stats.drains.inc();
    }
}

/// What `corrupt` in debugfs needs.
struct Corrupter {
    name: CString,
    shared: Arc<Shared>,
}

impl Corrupter {
    /// Changes the byte whose offset was written, behind the back of its checksum.
    fn write(&self, reader: &mut UserSliceReader) -> Result {
        let mut text = KVec::new();
        if reader.len() > 32 {
            return Err(EINVAL);
        }
        reader.clone_reader().read_all(&mut text, GFP_KERNEL)?;
        let word = core::str::from_utf8(text.trim_ascii()).unwrap_or("");
        let end = self.shared.store.capacity() as u64 * PAGE_SIZE as u64;
        let byte = word.parse::<u64>().ok().filter(|byte| *byte < end);
        let byte = byte.ok_or(EINVAL).inspect_err(|_| {
            pr_err!(
                "{}: corrupt {:?} is invalid, allowed: 0 to {}\n",
                &*self.name,
                word,
                end - 1
            )
        })?;
        // ENTRY: a write to the file.
        let cx = &mut MaySleep::assert();
        self.shared.store.corrupt(byte, &self.shared.stats, cx)
    }
}

/// A disk that is powered on. Dropping it waits until its last request has ended.
///
/// The order of the fields is the order of the teardown: the gate is opened first, because requests may
/// wait before it, then the disk goes, because its requests need the log, then who works for it.
pub(crate) struct Disk {
    frozen: Option<OwnedShut>,
    gen_disk: GenDisk<Queue>,
    _last_request: LastRequest,
    _scrub: Agent<Scrub<Shared>>,
    _log_thread: LogThread,
    controls: Controls,
    _shrinker: Shrinker<Sums>,
    _stats: Pin<KBox<File<Arc<Shared>>>>,
    _audit: Pin<KBox<File<Arc<Shared>>>>,
    _corrupt: Pin<KBox<File<Corrupter>>>,
}

impl Disk {
    /// Makes a disk, `/dev/NAME`.
    pub(crate) fn new(
        name: &CStr,
        settings: Settings,
        debugfs: &Dir,
        cx: &mut MaySleep,
    ) -> Result<Self> {
        let sums = Sums::new(settings.pages())?;
        let shared = Shared::new(&settings, sums.clone(), cx)?;
        let shrinker = Shrinker::register(c"baton_blk", Seeks::DEFAULT, sums)?;
        let dir = debugfs.subdir(name);
        let stats = KBox::pin_init(
            dir.read_callback_file(c"stats", shared.clone(), &Shared::show),
            GFP_KERNEL,
        )?;
        let audit = KBox::pin_init(
            dir.read_callback_file(c"audit", shared.clone(), &show_audit),
            GFP_KERNEL,
        )?;
        let corrupter = Corrupter {
            name: name.try_into()?,
            shared: shared.clone(),
        };
        let corrupt = KBox::pin_init(
            dir.write_callback_file(c"corrupt", corrupter, &Corrupter::write),
            GFP_KERNEL,
        )?;
        let log_thread = LogThread::new(shared.clone(), cx)?;
        let scrub = Scrub::new(name, shared.clone())?;
        let agent = Agent::spawn(cx, c"baton_blk_scrub", scrub.clone())?;
        let controls = Controls {
            shared: shared.clone(),
            scrub,
        };

        let tags = Arc::pin_init(
            TagSet::<Queue>::new(
                settings.hw_queues(),
                settings.poll_queues(),
                settings.depth(),
            ),
            GFP_KERNEL,
        )?;
        let mut builder = GenDiskBuilder::new()
            .capacity_sectors(settings.sectors())
            .logical_block_size(settings.block_size())
            .physical_block_size(PAGE_SIZE as u32)
            .max_sectors(MAX_SECTORS)
            .write_zeroes(MAX_RANGE_SECTORS)
            .write_cache(true);
        if settings.discard() {
            builder = builder.discard(MAX_RANGE_SECTORS, PAGE_SIZE as u32);
        }
        let gen_disk = builder
            .build(name, tags, shared.clone(), static_lock_class!(), cx)
            .inspect_err(|e| pr_err!("{}: cannot add the disk: {:?}\n", name, e))?;

        Ok(Self {
            frozen: None,
            gen_disk,
            _last_request: LastRequest(shared),
            _scrub: agent,
            _log_thread: log_thread,
            controls,
            _shrinker: shrinker,
            _stats: stats,
            _audit: audit,
            _corrupt: corrupt,
        })
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.controls.shared
    }

    /// Removes the disk unless somebody has it open, which is `EBUSY`.
    pub(crate) fn try_remove(self, cx: &mut MaySleep) -> Result<(), (Self, Error)> {
        match self.gen_disk.claim(cx) {
            Ok(()) => {
                drop(self);
                Ok(())
            }
            Err(e) => Err((self, e)),
        }
    }

    /// Removes the disk as if it had been pulled out: who sleeps in the log is woken with an error,
    /// and file systems on it shut down. Its data is in memory and goes away with it, so there is
    /// nothing that a last write-back could save.
    pub(crate) fn pull(mut self, cx: &mut MaySleep) {
        self.frozen = None;
        if self.gen_disk.claim(cx).is_err() {
            self.shared().log.shut_down(cx);
            self.gen_disk.mark_dead(cx);
        }
        drop(self);
    }

    /// Does `change` with nothing in flight. `EBUSY` while the disk is frozen.
    fn drained<R>(
        &self,
        cx: &mut MaySleep,
        change: impl FnOnce(&Self, &mut MaySleep) -> Result<R>,
    ) -> Result<R> {
        if self.frozen.is_some() {
            return Err(EBUSY);
        }
        let shared = self.shared();
        // Reclaim may be waiting for this very disk, whose gate is shut.
        without_io(cx, |cx| {
            let shut = shared.gate.shut(cx, Killable)?;
            shut.wait(cx, Killable)?;
            shared.stats.drains.inc();
            change(self, cx)
        })
    }

    /// Changes the size to that of `settings`; what was beyond a smaller one is gone.
    pub(crate) fn resize(&self, settings: &Settings, cx: &mut MaySleep) -> Result {
        self.drained(cx, |disk, cx| {
            let store = &disk.shared().store;
            let (before, after) = (store.capacity(), settings.pages());
            if after < before {
                // First of all, so that nobody sees a disk whose end is not there. It needs no memory.
                disk.gen_disk.set_capacity_sectors(settings.sectors(), cx);
            }
            store.resize(after, cx)?;
            if after > before {
                disk.gen_disk.set_capacity_sectors(settings.sectors(), cx);
            }
            Ok(())
        })
    }

    /// Forgets all data: the disk reads as zeroes.
    pub(crate) fn zero_out(&self, cx: &mut MaySleep) -> Result {
        self.drained(cx, |disk, cx| disk.shared().store.clear(cx))
    }

    /// Waits until nothing is in flight, and lets nothing begin until it is thawed.
    pub(crate) fn freeze(&mut self, freeze: bool, cx: &mut MaySleep) -> Result {
        if !freeze {
            self.frozen = None;
        } else if self.frozen.is_none() {
            let shared = self.shared();
            let shut = Drain::shut_owned(shared.gate.as_arc_borrow(), cx, Killable)?;
            shut.wait(cx, Killable)?;
            shared.stats.drains.inc();
            self.frozen = Some(shut);
        }
        Ok(())
    }

    /// Returns whether it is frozen.
    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    /// Returns what can be done with the disk whatever else is done with it.
    pub(crate) fn controls(&self) -> Controls {
        self.controls.clone()
    }
}
