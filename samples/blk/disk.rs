// SPDX-License-Identifier: GPL-2.0

//! A disk from power-on to removal, and a request from queue to end.

use crate::{
    log::{
        Log,
        Record, //
    },
    settings::Settings,
    stats::Stats,
    store::Store, //
};
use baton::{
    block::{
        self,
        GenDisk,
        GenDiskBuilder,
        Op,
        Operations,
        Request,
        TagSet, //
    },
    MaySleep,
    Thread, //
};
use kernel::{
    debugfs::{
        Dir,
        File, //
    },
    fmt,
    page::PAGE_SIZE,
    prelude::*,
    static_lock_class,
    sync::{
        Arc,
        ArcBorrow, //
    },
};

/// The largest read or write: 1 MiB.
const MAX_SECTORS: u32 = 1 << (20 - block::SECTOR_SHIFT);

/// The largest discard and write-zeroes: 1 GiB.
const MAX_RANGE_SECTORS: u32 = 1 << (30 - block::SECTOR_SHIFT);

/// What the requests of one disk share.
#[pin_data]
pub(crate) struct Shared {
    #[pin]
    store: Store,
    #[pin]
    log: Log,
    stats: Stats,
}

impl Shared {
    fn new(settings: &Settings) -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                store <- Store::new(settings.pages()),
                log <- Log::new(),
                stats: Stats::new(),
            }? Error),
            GFP_KERNEL,
        )
    }

    /// Serves a request; the caller ends it with what this returns.
    fn serve(&self, request: &mut Request, cx: &mut MaySleep) -> Result {
        let op = request.op();
        let start = request.start_byte();
        let bytes = u64::from(request.bytes());
        let fua = request.is_fua();
        let stats = &self.stats;

        let changes = match op {
            Op::Read => {
                let mut sink = request.sink().ok_or(EIO)?;
                self.store.read(start, bytes, &mut sink, stats, cx)?;
                false
            }
            Op::Write => {
                let mut source = request.source().ok_or(EIO)?;
                self.store.write(start, bytes, &mut source, stats, cx)?;
                true
            }
            Op::WriteZeroes if request.must_provision() => {
                self.store.provision_zeroes(start, bytes, stats, cx)?;
                true
            }
            Op::Discard | Op::WriteZeroes => {
                self.store.discard(start, bytes, stats, cx)?;
                true
            }
            Op::Flush => {
                let position = self.log.position(cx);
                self.log.wait_stable(position, stats, cx)?;
                false
            }
            _ => return Err(EOPNOTSUPP),
        };
        if changes {
            let record = Record { start, bytes };
            let position = self.log.enter(record, stats, cx)?;
            if fua {
                self.log.wait_stable(position, stats, cx)?;
            }
        }
        stats.served(op, bytes, fua);
        Ok(())
    }

    /// Writes the statistics, a line for each.
    fn show(this: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // ENTRY: a read of the file.
        let log = this.log.summary(&mut MaySleep::assert());
        this.stats.write(f)?;
        writeln!(f, "log_position {}", log.position)?;
        writeln!(f, "log_stable {}", log.stable)?;
        writeln!(f, "log_room_sleepers {}", log.room_sleepers)?;
        writeln!(f, "log_stable_sleepers {}", log.stable_sleepers)?;
        writeln!(f, "entry_sleepers {}", this.store.sleepers())?;
        writeln!(f, "pages {}", this.store.pages())?;
        writeln!(f, "pages_refused {}", this.store.refused())?;
        writeln!(f, "requests_dropped {}", block::dropped_requests())
    }
}

/// Writes what the auditor finds, and has rescued: each read is an audit.
fn show_audit(this: &Arc<Shared>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    // ENTRY: a read of the file.
    let audit = this.log.audit(&mut MaySleep::assert());
    writeln!(f, "sleeping {}", audit.sleeping)?;
    writeln!(f, "lost {}", audit.lost)
}

/// The driver's side of the block layer.
struct Queue;

#[vtable]
impl Operations for Queue {
    type Data = Arc<Shared>;

    fn queue_rq(shared: ArcBorrow<'_, Shared>, mut request: Request, cx: &mut MaySleep) {
        let result = shared.serve(&mut request, cx);
        if result.is_err() {
            shared.stats.errors.inc();
        }
        request.end(result);
    }
}

/// The log thread of a disk. When it is dropped, the log is shut down and the thread has exited.
struct LogThread {
    shared: Arc<Shared>,
    thread: Option<Thread>,
}

impl LogThread {
    fn new(shared: Arc<Shared>, cx: &mut MaySleep) -> Result<Self> {
        let own = shared.clone();
        let thread = Thread::spawn(cx, c"baton_blk_log", move |cx, _stop| {
            own.log.run(&own.store, &own.stats, cx)
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
            thread.join(cx);
        }
    }
}

/// A disk that is powered on. Dropping it waits until its last request has ended.
///
/// The order of the fields is the order of the teardown: the disk first, because its requests need
/// the log.
pub(crate) struct Disk {
    gen_disk: GenDisk<Queue>,
    log_thread: LogThread,
    _stats: Pin<KBox<File<Arc<Shared>>>>,
    _audit: Pin<KBox<File<Arc<Shared>>>>,
}

impl Disk {
    /// Makes a disk, `/dev/NAME`.
    pub(crate) fn new(
        name: &CStr,
        settings: Settings,
        debugfs: &Dir,
        cx: &mut MaySleep,
    ) -> Result<Self> {
        let shared = Shared::new(&settings)?;
        let dir = debugfs.subdir(name);
        let stats = KBox::pin_init(
            dir.read_callback_file(c"stats", shared.clone(), &Shared::show),
            GFP_KERNEL,
        )?;
        let audit = KBox::pin_init(
            dir.read_callback_file(c"audit", shared.clone(), &show_audit),
            GFP_KERNEL,
        )?;
        let log_thread = LogThread::new(shared.clone(), cx)?;

        let tags = Arc::pin_init(
            TagSet::<Queue>::new(settings.hw_queues(), settings.depth()),
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
            .build(name, tags, shared, static_lock_class!(), cx)
            .inspect_err(|e| pr_err!("{}: cannot add the disk: {:?}\n", name, e))?;

        Ok(Self {
            gen_disk,
            log_thread,
            _stats: stats,
            _audit: audit,
        })
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
    pub(crate) fn pull(self, cx: &mut MaySleep) {
        if self.gen_disk.claim(cx).is_err() {
            self.log_thread.shared.log.shut_down(cx);
            self.gen_disk.mark_dead(cx);
        }
        drop(self);
    }

    /// Stops making the log stable, or goes on.
    pub(crate) fn hold_log(&self, hold: bool, cx: &mut MaySleep) {
        self.log_thread.shared.log.hold(hold, cx);
    }

    /// Returns whether that was stopped.
    pub(crate) fn is_log_held(&self, cx: &mut MaySleep) -> bool {
        self.log_thread.shared.log.is_held(cx)
    }
}
