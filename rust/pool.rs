// SPDX-License-Identifier: GPL-2.0

//! Pools: nodes that are selected under a lock, used after it, and reaped, without losing who they are.
//!
//! C header: [`drivers/md/bcache/btree.h`](srctree/drivers/md/bcache/btree.h) (`mca_reap()` and the
//! flags of `struct btree`)
//!
//! # The bug that this removes
//!
//! `bcache` writes the oldest btree nodes out when its journal is full. It picks them under the
//! cache's lock and writes them after it:
//!
//! ```text
//!   journal                       shrinker                 another task
//!   1 lock(cache), picks X
//!   2 unlock(cache)
//!                                 3 X is clean and not
//!                                   locked: frees it
//!                                                          4 gets the memory as Y,
//!                                                            locks it, needs journal space
//!   5 lock(X), which is Y: waits
//!     for 4, and 4 for the journal
//! ```
//!
//! Or nobody holds Y in 5, and the journal writes the wrong node. The fix in C is a flag that the
//! journal sets in 1; who wants to reuse the node drops the node's lock, spins for a microsecond and
//! tries again, with the cache's lock held.
//!
//! Here a selection yields [`Pinned`] nodes, the only thing that outlives the guard. Step 3 needs an
//! [`Exclusive`], which a pinned node refuses: whoever may sleep waits on an event for the last pin
//! ([`PoolGuard::wait_unpinned`], which gives up the guard meanwhile), and reclaim, which may not,
//! goes on to the next node ([`Reclaim`] has `try_` operations only).
//!
//! # Locks
//!
//! The *pool's lock* is a spinlock and held for lookups only: nothing is allocated and no destructor
//! of the user's runs under it, so reclaim may take it whatever the allocation was for. Who uses a
//! node is counted in a word of its own, and who waits for that under another lock, a leaf, so that a pin may be
//! dropped anywhere: see `word.rs` and `count.rs`.
//! The payload of a node is under a mutex of its own. It is taken through a pin, hence without the
//! pool's lock; do not take it on a path from reclaim: [`Exclusive::try_lock`](Handle::try_lock) is
//! there for that.
//!
//! [`Reclaim`]: crate::shrinker::Reclaim

// From the bottom up.
mod key;

mod drain_protocol {
    pub(super) use crate::drain::protocol::Word;
}
mod word;

mod slots;

mod count;
mod table;

mod nodes;

mod handle;

mod batch;

mod guard;

mod reclaim;

pub use batch::Batch;
pub use guard::{
    CanGiveUp,
    PoolGuard, //
};
pub use handle::{
    Exclusive,
    Handle,
    Pinned,
    Shared,
    Sole,
    Unheld,
    Use, //
};
pub use key::{
    Key,
    Note, //
};
pub use nodes::{
    new_pool,
    Pool, //
};
pub use slots::{
    Leak,
    Refused, //
};
pub use table::Candidate;
