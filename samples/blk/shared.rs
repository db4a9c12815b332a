// SPDX-License-Identifier: GPL-2.0

//! What the requests of one disk share, and a request from queue to end.

use crate::{
    finish::Finisher,
    log::{
        Log,
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
    event::Uninterruptible,
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
    /// First, because it ends what is left when it goes.
    finisher: Finisher,
    /// What is in flight: from the moment when it is queued until it has ended.
    pub(crate) gate: Arc<Drain>,
    #[pin]
    pub(crate) store: Store,
    #[pin]
    pub(crate) log: Log,
    pub(crate) stats: Stats,
}

impl Shared {
    pub(crate) fn new(
        settings: &Settings,
        sums: Arc<Sums>,
        cx: &mut MaySleep,
    ) -> Result<Arc<Self>> {
        let store = Store::new(settings.pages(), sums, cx)?;
        Arc::pin_init(
            try_pin_init!(Self {
                finisher: Finisher::new(settings.completion(), settings.requests())?,
                gate: Arc::pin_init(new_drain!("baton_blk"), GFP_KERNEL)?,
                store <- store,
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

        // It may have been on its way while the disk became smaller.
        if op != Op::Flush && !self.store.contains(start, bytes) {
            stats.beyond_end.inc();
            return Err(EIO);
        }
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
        // While the gate is shut, the request waits before it.
        let in_flight = match shared.gate.begin_when_open(cx, Uninterruptible) {
            Ok(in_flight) => in_flight,
            Err(e) => {
                stats.errors.inc();
                request.end(Err(e.into()));
                return;
            }
        };
        let result = shared.serve(&mut request, cx);
        if result.is_err() {
            stats.errors.inc();
        }
        shared
            .finisher
            .finish(request.keep(), result, in_flight, stats);
    }

    fn poll(shared: ArcBorrow<'_, Shared>) -> usize {
        shared.finisher.poll()
    }
}
