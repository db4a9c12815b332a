// SPDX-License-Identifier: GPL-2.0

//! What the requests of one disk share, and a request from queue to end.

use crate::{
    finish::{
        Finisher,
        Served, //
    },
    journal::Writer,
    log::Log,
    ring::{
        Done,
        Record, //
    },
    scrub::Medium,
    settings::Settings,
    stats::Stats,
    store::Store,
    sums::Sums, //
};
use baton::{
    block::{
        self,
        Op,
        Operations,
        Queued,
        Request, //
    },
    drain::{
        new_drain,
        Drain, //
    },
    MaySleep, //
};
use kernel::{
    fmt,
    prelude::*,
    sync::{
        Arc,
        ArcBorrow, //
    },
};

/// What the requests of one disk share.
#[pin_data]
pub(crate) struct Shared {
    pub(crate) finisher: Finisher,
    /// What is in flight: from the moment when it is queued until it has ended.
    pub(crate) gate: Arc<Drain>,
    #[pin]
    pub(crate) store: Store,
    #[pin]
    pub(crate) log: Log<Served>,
    /// Whether a write may end before it is stable.
    write_cache: bool,
    pub(crate) stats: Stats,
}

/// What a request waits for after its data was read or written.
enum Next {
    Nothing,
    /// Its record enters the log.
    Record(Record),
    /// Everything that is in the log is stable.
    Flush,
}

impl Shared {
    pub(crate) fn new(
        settings: &Settings,
        sums: Arc<Sums>,
        cx: &mut MaySleep,
    ) -> Result<Arc<Self>> {
        let store = Store::new(settings.pages(), settings.checksum(), sums, cx)?;
        Arc::pin_init(
            try_pin_init!(Self {
                finisher: Finisher::new(settings, cx)?,
                gate: Arc::pin_init(new_drain!("baton_blk"), GFP_KERNEL)?,
                store <- store,
                log <- Log::new(settings.requests()),
                write_cache: settings.write_cache(),
                stats: Stats::new(),
            }? Error),
            GFP_KERNEL,
        )
    }

    /// Reads or writes the data of a request. Returns what it waits for before it ends.
    fn serve(&self, request: &mut Request, cx: &mut MaySleep) -> Result<Next> {
        let op = request.op();
        let start = request.start_byte();
        let bytes = u64::from(request.bytes());
        let stats = &self.stats;

        // It may have been on its way while the disk became smaller.
        if op != Op::Flush && !self.store.contains(start, bytes) {
            stats.beyond_end.inc();
            return Err(EIO);
        }
        match op {
            Op::Read => {
                let mut sink = request.sink().ok_or(EIO)?;
                self.store.read(start, bytes, &mut sink, stats, cx)?;
                return Ok(Next::Nothing);
            }
            Op::Write => {
                let mut source = request.source().ok_or(EIO)?;
                let done = self.store.write(start, bytes, &mut source, stats, cx)?;
                return Ok(Next::Record(Record { start, bytes, done }));
            }
            Op::WriteZeroes if request.must_provision() => {
                self.store.provision_zeroes(start, bytes, stats, cx)?;
            }
            Op::Discard | Op::WriteZeroes => self.store.discard(start, bytes, stats, cx)?,
            Op::Flush => return Ok(Next::Flush),
            _ => return Err(EOPNOTSUPP),
        }
        let done = Done::Gone;
        Ok(Next::Record(Record { start, bytes, done }))
    }

    /// Ends a request, by whom the disk was told.
    pub(crate) fn end(&self, served: Served, result: Result) {
        self.finisher.finish(served, result, &self.stats);
    }

    /// Shuts the log down, and ends what waits for it with an error.
    pub(crate) fn shut_down_log(&self, cx: &mut MaySleep) {
        self.log
            .shut_down(cx, |served, result| self.end(served, result));
    }

    /// Writes the statistics, a line for each.
    pub(crate) fn show(this: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // ENTRY: a read of the file.
        let log = this.log.summary(&mut MaySleep::assert());
        this.stats.write(f)?;
        writeln!(f, "log_position {}", log.position)?;
        writeln!(f, "log_stable {}", log.stable)?;
        writeln!(f, "log_room_sleepers {}", log.room_sleepers)?;
        writeln!(f, "log_stable_sleepers {}", log.stable_sleepers)?;
        writeln!(f, "entry_sleepers {}", this.store.sleepers())?;
        writeln!(f, "in_flight {}", this.gate.in_flight())?;
        writeln!(f, "pages {}", this.store.pages())?;
        writeln!(f, "pages_refused {}", this.store.refused())?;
        writeln!(f, "nodes {}", this.store.sums().cached())?;
        writeln!(f, "nodes_reclaimed {}", this.store.sums().reclaimed())?;
        writeln!(f, "requests_dropped {}", block::dropped_requests())
    }
}

impl Medium for Shared {
    fn store(&self) -> &Store {
        &self.store
    }

    fn stats(&self) -> &Stats {
        &self.stats
    }
}

/// Writes what the auditor finds, and has rescued: each read is an audit.
pub(crate) fn show_audit(this: &Arc<Shared>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    // ENTRY: a read of the file.
    let audit = this.log.audit(&mut MaySleep::assert());
    writeln!(f, "sleeping {}", audit.sleeping)?;
    writeln!(f, "lost {}", audit.lost)
}

/// The driver's side of the block layer.
pub(crate) struct Queue;

#[vtable]
impl Operations for Queue {
    type Data = Arc<Shared>;

    fn queue_rq(shared: ArcBorrow<'_, Shared>, mut request: Queued, cx: &mut MaySleep) {
        let stats = &shared.stats;
        // It is shut while the disk is frozen, when no request comes.
        let in_flight = match shared.gate.begin(cx) {
            Ok(active) => active.hand_over(),
            Err(e) => {
                stats.errors.inc();
                request.end(Err(e.into()));
                return;
            }
        };
        let next = shared.serve(&mut request, cx);
        let served = Served::new(request.keep(), in_flight);
        // Nothing here waits for the log: the request does, and this task works for it.
        let (store, log) = (&shared.store, &shared.log);
        let end = |served, result| shared.end(served, result);
        match next {
            Ok(Next::Nothing) => end(served, Ok(())),
            Ok(Next::Record(record)) => {
                let writer = Writer {
                    record,
                    fua: served.is_fua() || !shared.write_cache,
                    request: served,
                };
                log.write(writer, store, stats, cx, end);
            }
            Ok(Next::Flush) => log.flush(served, store, stats, cx, end),
            Err(e) => end(served, Err(e)),
        }
    }

    fn poll(shared: ArcBorrow<'_, Shared>) -> usize {
        shared.finisher.poll()
    }
}
