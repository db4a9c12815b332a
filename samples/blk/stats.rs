// SPDX-License-Identifier: GPL-2.0

//! Counters of one disk, one line each in `/sys/kernel/debug/baton/NAME/stats`.

use baton::block::Op;
use kernel::{
    fmt,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

/// A number that only grows.
pub(crate) struct Counter(Atomic<u64>);

impl Counter {
    pub(crate) const fn new() -> Self {
        Self(Atomic::new(0))
    }

    /// Adds to it.
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    /// Adds one to it.
    pub(crate) fn inc(&self) {
        self.add(1);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The counters.
        pub(crate) struct Stats {
            $($(#[$doc])* pub(crate) $name: Counter,)*
        }

        impl Stats {
            /// Starts at zero.
            pub(crate) const fn new() -> Self {
                Self { $($name: Counter::new(),)* }
            }

            /// Writes a line for each counter.
            pub(crate) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $(writeln!(f, "{} {}", stringify!($name), self.$name.get())?;)*
                Ok(())
            }
        }
    };
}

counters! {
    /// Requests by operation.
    reads, writes, discards, write_zeroes, flushes,
    /// Writes and write-zeroes with FUA among them.
    fua,
    /// Requests that ended with an error; those of them that were on their way while the disk became
    /// smaller.
    errors, beyond_end,
    /// Bytes of the disk that requests of each kind covered.
    bytes_read, bytes_written, bytes_discarded, bytes_zeroed,
    /// Entries that were found locked; how often that ended with the ownership of the entry, and how
    /// often it was gone.
    entry_waits, entry_handovers, entry_vanished,
    /// Zero entries of 2 MiB that were made, and that a write has split.
    huge_zeroes, splits,
    /// Records that found the log full.
    log_full,
    /// Requests that slept until their position in the log was stable.
    log_waits,
    /// Log buffers that were made stable, records in them, and entries that were dirty.
    log_commits, log_records, written_back,
    /// How often everything in flight was waited for: to resize, to freeze, to zero everything.
    drains,
    /// Runs of the scrub, and pages that it found to be corrupt.
    scrub_runs, scrub_corrupt,
    /// Nodes of checksums that were pinned.
    pins,
    /// Times that a checkpoint has written the oldest ones; how many were written, and read.
    checkpoints, nodes_written, nodes_read,
    /// Requests by where they were ended.
    ended_inline, ended_by_work, ended_by_timer, ended_by_poll,
}

impl Stats {
    /// Counts a request that was served.
    pub(crate) fn served(&self, op: Op, bytes: u64, fua: bool) {
        let (requests, total) = match op {
            Op::Read => (&self.reads, Some(&self.bytes_read)),
            Op::Write => (&self.writes, Some(&self.bytes_written)),
            Op::Discard => (&self.discards, Some(&self.bytes_discarded)),
            Op::WriteZeroes => (&self.write_zeroes, Some(&self.bytes_zeroed)),
            Op::Flush => (&self.flushes, None),
            _ => return,
        };
        requests.inc();
        if let Some(total) = total {
            total.add(bytes);
        }
        if fua {
            self.fua.inc();
        }
    }
}
