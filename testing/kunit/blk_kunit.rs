// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of what the block driver is made of and no disk is needed for: its log, the journal and the
//! ring of that, the pages that a range of bytes covers, their checksums, its settings, and how long it waits.

#[macro_use]
#[path = "suite.rs"]
mod suite;

// The sources of the driver itself, of which a test needs a part.
#[path = "../../samples/blk/checksum.rs"]
mod checksum;

#[allow(dead_code, reason = "the driver uses the rest")]
#[path = "../../samples/blk/fifo.rs"]
mod fifo;

#[allow(dead_code, reason = "the driver uses the rest")]
#[path = "../../samples/blk/journal.rs"]
mod journal;

#[path = "../../samples/blk/levels.rs"]
mod levels;

#[allow(dead_code, reason = "the driver uses the rest")]
#[path = "../../samples/blk/log.rs"]
mod log;

#[allow(dead_code, reason = "the driver uses the rest")]
#[path = "../../samples/blk/patience.rs"]
mod patience;

#[allow(dead_code, reason = "the driver uses the rest")]
#[path = "../../samples/blk/store/pieces.rs"]
mod pieces;

#[allow(dead_code, reason = "the driver uses the rest")]
#[path = "../../samples/blk/ring.rs"]
mod ring;

#[allow(dead_code, reason = "the driver uses the rest")]
#[path = "../../samples/blk/settings.rs"]
mod settings;

#[path = "../../samples/blk/stamp.rs"]
mod stamp;

#[path = "blk/stats.rs"]
mod stats;

#[path = "blk/store.rs"]
mod store;

#[allow(dead_code, reason = "the driver uses the rest")]
#[path = "../../samples/blk/sums.rs"]
mod sums;

#[path = "blk/fifo.rs"]
mod fifo_tests;

#[path = "blk/journal.rs"]
mod journal_tests;

#[path = "blk/log.rs"]
mod log_tests;

#[path = "blk/patience.rs"]
mod patience_tests;

#[path = "blk/pieces.rs"]
mod pieces_tests;

#[path = "blk/ring.rs"]
mod ring_tests;

#[path = "blk/settings.rs"]
mod settings_tests;

#[path = "blk/stamp.rs"]
mod stamp_tests;

#[path = "blk/sums.rs"]
mod sums_tests;

suite!("blk_kunit", "KUnit suite of parts of the block driver");
