// SPDX-License-Identifier: GPL-2.0

//! A disk from power-on to removal.

use crate::{
    controls::Controls,
    patience::Patience,
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
    time::msecs_to_jiffies,
    uaccess::UserSliceReader, //
};

/// The largest read or write: 1 MiB.
const MAX_SECTORS: u32 = 1 << (20 - block::SECTOR_SHIFT);

/// The largest discard and write-zeroes: 1 GiB.
const MAX_RANGE_SECTORS: u32 = 1 << (30 - block::SECTOR_SHIFT);

/// How long programs that look at every new disk may have it open while it is removed, in milliseconds.
const OPENERS: u32 = 1000;

/// Who works for a disk besides those who submit to it.
struct Workers {
    shared: Arc<Shared>,
    shrinker: Option<Shrinker<Sums>>,
    scrub: Option<Agent<Scrub<Shared>>>,
    log_thread: Option<Thread>,
}

impl Workers {
    fn new(controls: &Controls, sums: Arc<Sums>, cx: &mut MaySleep) -> Result<Self> {
        let mut workers = Self {
            shared: controls.shared.clone(),
            shrinker: None,
            scrub: None,
            log_thread: None,
        };
        match workers.start(controls.scrub.clone(), sums, cx) {
            Ok(()) => Ok(workers),
            Err(e) => {
                workers.stop(cx);
                Err(e)
            }
        }
    }

    fn start(&mut self, scrub: Arc<Scrub<Shared>>, sums: Arc<Sums>, cx: &mut MaySleep) -> Result {
        self.shrinker = Some(Shrinker::register(cx, c"baton_blk", Seeks::DEFAULT, sums)?);
        self.scrub = Some(Agent::spawn(cx, c"baton_blk_scrub", scrub)?);
        let own = self.shared.clone();
        let log_thread = Thread::spawn(cx, c"baton_blk_log", move |cx, _stop| {
            without_io(cx, |cx| {
                own.log.run(&own.store, &own.stats, cx, |served, result| {
                    own.end(served, result)
                })
            })
        })?;
        self.log_thread = Some(log_thread);
        Ok(())
    }

    /// Ends their work, with no disk that needs it any more.
    fn stop(self, cx: &mut MaySleep) {
        let mut stopped = Ok(());
        if let Some(scrub) = self.scrub {
            stopped = stopped.and(scrub.retire(cx).map_err(Error::from));
        }
        self.shared.shut_down_log(cx);
        if let Some(log_thread) = self.log_thread {
            stopped = stopped.and(log_thread.join(cx).map_err(Error::from));
        }
        stopped = stopped.and(self.shared.finisher.close(cx));
        if let Some(shrinker) = self.shrinker {
            stopped = stopped.and(shrinker.unregister(cx).map_err(Error::from));
        }
        if let Err(e) = stopped {
            // What was not stopped was dropped, and is stopped by a worker.
            pr_err!("who works for a disk stops it: {:?}\n", e);
        }
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

/// A disk that is powered on. It goes by [`Disk::try_remove`] or [`Disk::pull`].
pub(crate) struct Disk {
    gen_disk: GenDisk<Queue>,
    workers: Workers,
    controls: Controls,
    _files: Files,
}

/// The files of a disk in debugfs.
struct Files {
    _stats: Pin<KBox<File<Arc<Shared>>>>,
    _audit: Pin<KBox<File<Arc<Shared>>>>,
    _corrupt: Pin<KBox<File<Corrupter>>>,
}

impl Files {
    fn new(name: &CStr, shared: &Arc<Shared>, debugfs: &Dir) -> Result<Self> {
        let dir = debugfs.subdir(name);
        let corrupter = Corrupter {
            name: name.try_into()?,
            shared: shared.clone(),
        };
        Ok(Self {
            _stats: KBox::pin_init(
                dir.read_callback_file(c"stats", shared.clone(), &Shared::show),
                GFP_KERNEL,
            )?,
            _audit: KBox::pin_init(
                dir.read_callback_file(c"audit", shared.clone(), &show_audit),
                GFP_KERNEL,
            )?,
            _corrupt: KBox::pin_init(
                dir.write_callback_file(c"corrupt", corrupter, &Corrupter::write),
                GFP_KERNEL,
            )?,
        })
    }
}

/// Makes the block device.
fn gen_disk(
    name: &CStr,
    settings: Settings,
    shared: Arc<Shared>,
    cx: &mut MaySleep,
) -> Result<GenDisk<Queue>> {
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
        // It copies, so any alignment will do: this is the smallest there is.
        .buffer_alignment(2)
        .write_zeroes(MAX_RANGE_SECTORS);
    if settings.write_cache() {
        builder = builder.write_cache(true);
    }
    if settings.discard() {
        builder = builder.discard(MAX_RANGE_SECTORS, PAGE_SIZE as u32);
    }
    builder
        .build(name, tags, shared, static_lock_class!(), cx)
        .inspect_err(|e| {
            if *e == EEXIST {
                pr_err!("{}: a disk or a file in /dev has this name\n", name);
            } else {
                pr_err!("{}: cannot add the disk: {:?}\n", name, e);
            }
        })
}

/// Waits until whoever has ended the last request has let go of it: the block layer waits for the end
/// of the request only.
fn wait_until_idle(shared: &Shared, cx: &mut MaySleep) -> Result {
    shared.stats.drains.inc();
    let mut shut = shared.gate.shut(cx, Uninterruptible)?;
    Ok(shut.wait(Uninterruptible)?)
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
        let files = Files::new(name, &shared, debugfs)?;
        let controls = Controls {
            shared: shared.clone(),
            scrub: Scrub::new(name, shared.clone())?,
        };
        let workers = Workers::new(&controls, sums, cx)?;
        let gen_disk = match gen_disk(name, settings, shared, cx) {
            Ok(gen_disk) => gen_disk,
            Err(e) => {
                workers.stop(cx);
                return Err(e);
            }
        };
        Ok(Self {
            gen_disk,
            workers,
            controls,
            _files: files,
        })
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.controls.shared
    }

    /// Removes the disk: first what brings requests, then who works for it.
    fn tear_down(self, cx: &mut MaySleep) {
        // Nobody waits for what is still in flight, and it must not wait for a log that is held.
        self.shared().shut_down_log(cx);
        if let Err(refused) = self.gen_disk.remove(cx) {
            pr_err!("a disk is removed by itself: {:?}\n", refused);
        }
        if let Err(e) = wait_until_idle(&self.controls.shared, cx) {
            pr_err!("a disk goes away with requests in flight: {:?}\n", e);
        }
        self.workers.stop(cx);
    }

    /// Removes the disk unless somebody has it open, which is `EBUSY`.
    ///
    /// Programs that look at every new disk have a moment to close it.
    pub(crate) fn try_remove(
        self,
        patience: &Patience,
        cx: &mut MaySleep,
    ) -> Result<(), (Self, Error)> {
        let moment = msecs_to_jiffies(OPENERS).min(patience.left());
        match self.gen_disk.claim(moment, cx) {
            Ok(()) => {
                self.tear_down(cx);
                Ok(())
            }
            Err(e) => Err((self, e)),
        }
    }

    /// Removes the disk as if it had been pulled out: what waits in the log ends with an error,
    /// and file systems on it shut down. Its data is in memory and goes away with it, so there is
    /// nothing that a last write-back could save.
    pub(crate) fn pull(mut self, cx: &mut MaySleep) {
        self.gen_disk.thaw(cx);
        if self.gen_disk.claim(0, cx).is_err() {
            self.shared().shut_down_log(cx);
            self.gen_disk.mark_dead(cx);
        }
        self.tear_down(cx);
    }

    /// Does `change` with nothing in flight. `EBUSY` while the disk is frozen.
    fn drained<R>(
        &mut self,
        patience: &Patience,
        cx: &mut MaySleep,
        change: impl FnOnce(&GenDisk<Queue>, &Shared, &mut MaySleep) -> Result<R>,
    ) -> Result<R> {
        let shared = &self.controls.shared;
        let gen_disk = &mut self.gen_disk;
        // Reclaim may be waiting for this very disk, which is frozen.
        without_io(cx, |cx| {
            gen_disk.while_frozen(patience.left(), cx, |gen_disk, cx| {
                // The gate may open again: the disk is frozen.
                shared.gate.shut(cx, Killable)?.wait(Killable)?;
                shared.stats.drains.inc();
                change(gen_disk, shared, cx)
            })?
        })
    }

    /// Whether what is in flight ends by itself: otherwise the page cache cannot be waited for.
    fn not_held(&self, cx: &mut MaySleep) -> Result {
        if self.shared().log.is_held(cx) {
            return Err(ETIMEDOUT);
        }
        Ok(())
    }

    /// Says that a file system has something of the disk in use.
    fn forget_cache(&self, start: u64, cx: &mut MaySleep) {
        if let Err(e) = self.gen_disk.forget_cache(start, cx) {
            pr_notice!("what a file system has cached of its disk stays: {:?}\n", e);
        }
    }

    /// Changes the size to that of `settings`; what was beyond a smaller one is gone, from the page
    /// cache as well.
    pub(crate) fn resize(
        &mut self,
        settings: &Settings,
        patience: &Patience,
        cx: &mut MaySleep,
    ) -> Result {
        let (before, after) = (self.shared().store.capacity(), settings.pages());
        if after < before {
            self.not_held(cx)?;
        }
        self.drained(patience, cx, |gen_disk, shared, cx| {
            if after < before {
                // First of all, so that nobody sees a disk whose end is not there. It needs no memory.
                gen_disk.set_capacity_sectors(settings.sectors(), cx);
            }
            shared.store.resize(after, cx)?;
            if after > before {
                gen_disk.set_capacity_sectors(settings.sectors(), cx);
            }
            Ok(())
        })?;
        if after < before {
            // Not before, because the disk could still stay as it is, with what was written to it.
            // Until then, what is written back beyond the end fails.
            self.forget_cache(settings.sectors() << block::SECTOR_SHIFT, cx);
        }
        Ok(())
    }

    /// Forgets all data: the disk reads as zeroes, from the page cache as well.
    ///
    /// What others write meanwhile is written before or after.
    pub(crate) fn zero_out(&mut self, patience: &Patience, cx: &mut MaySleep) -> Result {
        if self.gen_disk.is_frozen() {
            return Err(EBUSY);
        }
        self.not_held(cx)?;
        // So that nothing of before is written back afterwards.
        self.gen_disk.sync_cache(cx)?;
        self.drained(patience, cx, |_, shared, cx| shared.store.clear(cx))?;
        self.forget_cache(0, cx);
        Ok(())
    }

    /// Changes the number of hardware queues to that of `settings`.
    pub(crate) fn set_queues(
        &mut self,
        settings: &Settings,
        patience: &Patience,
        cx: &mut MaySleep,
    ) -> Result {
        let requests = settings.requests();
        self.drained(patience, cx, |_, shared, cx| {
            shared.log.reserve(requests, cx)
        })?;
        self.gen_disk.set_queues(
            settings.hw_queues(),
            settings.poll_queues(),
            patience.left(),
            cx,
        )
    }

    /// Waits until nothing is in flight, and lets nothing begin until it is thawed.
    pub(crate) fn freeze(
        &mut self,
        freeze: bool,
        patience: &Patience,
        cx: &mut MaySleep,
    ) -> Result {
        if !freeze {
            self.gen_disk.thaw(cx);
        } else if !self.gen_disk.is_frozen() {
            self.gen_disk.freeze(patience.left(), cx)?;
            if let Err(e) = wait_until_idle(self.shared(), cx) {
                self.gen_disk.thaw(cx);
                return Err(e);
            }
        }
        Ok(())
    }

    /// Returns whether it is frozen.
    pub(crate) fn is_frozen(&self) -> bool {
        self.gen_disk.is_frozen()
    }

    /// Returns what can be done with the disk whatever else is done with it.
    pub(crate) fn controls(&self) -> Controls {
        self.controls.clone()
    }
}
