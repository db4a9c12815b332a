// SPDX-License-Identifier: GPL-2.0

//! The pool itself: the nodes under its lock, and their counts beside it.

use super::{
    count::Uses,
    key::{
        Key,
        Note, //
    },
    slots::Leak,
    table::{
        Outside,
        Table, //
    }, //
};
use crate::level::{
    Level,
    Unordered, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        LockClassKey,
        SpinLock, //
    },
};

/// Creates a [`Pool`] initialiser with lock classes of its own.
///
/// The classes are made here, at the call site: pools that are made elsewhere have other ones.
#[macro_export]
macro_rules! new_pool {
    ($($name:literal)? $(,)?) => {
        $crate::pool::Pool::new(
            ::kernel::optional_name!($($name)?),
            [
                ::kernel::static_lock_class!(),
                ::kernel::static_lock_class!(),
                ::kernel::static_lock_class!(),
                ::kernel::static_lock_class!(),
            ],
        )
    };
}
pub use new_pool;

/// Nodes with an identity, which lasts as long as somebody uses them.
///
/// `K` is the key of a node, `N` its payload, under the node's own lock. `M` is what a selection looks
/// at, under the pool's lock: whether the node is dirty, for example. `L` is the level of the pool's
/// lock, of waiting for pins, and of the nodes' locks: a task has one of them at a time.
///
/// Pins borrow the pool, so it outlives them. A pin that was forgotten keeps its node's memory and
/// refuses its reuse for ever. Nobody hangs on that: reclaim passes the node by, and a wait for it can
/// end otherwise, see [`CanGiveUp`](super::CanGiveUp). When the pool is dropped it says which pins, and
/// which exclusive owners, are left.
///
/// `mem::forget` of a pool leaks its nodes. A task that holds the pool's lock cannot take it, or a node's,
/// itself: the guard has borrowed the capability.
///
/// # Examples
///
/// ```
/// use baton::pool::{new_pool, Batch, Pool};
/// use baton::MaySleep;
/// use kernel::prelude::*;
///
/// #[derive(Clone, Copy)]
/// struct Note {
///     dirty: bool,
/// }
///
/// fn write_oldest(pool: &Pool<u64, u32, Note>, cx: &mut MaySleep) -> Result {
///     let mut batch = Batch::with_capacity(cx, 8, GFP_KERNEL)?;
///     pool.lock_in(cx).select(&mut batch, |node| node.note.dirty);
///     // The pool's lock is free, the nodes stay what they are.
///     for pin in batch.iter() {
///         let payload = pin.lock_in(cx);
///         pr_info!("node {}: {}\n", pin.key(), *payload);
///     }
///     Ok(())
/// }
///
/// let cx = &mut MaySleep::assert();
/// let pool = KBox::pin_init(new_pool!("example"), GFP_KERNEL)?;
/// drop(pool.insert(cx, 7, Note { dirty: true }, 42, GFP_KERNEL)?);
/// write_oldest(&pool, cx)?;
/// # Ok::<(), Error>(())
/// ```
#[pin_data(PinnedDrop)]
pub struct Pool<K: Key, N: Send + 'static, M: Note = (), L: Level = Unordered> {
    #[pin]
    pub(super) table: SpinLock<Table<K, N, M>>,
    #[pin]
    pub(super) uses: Uses<K, L>,
    len: Atomic<usize>,
    pub(super) name: &'static CStr,
    pub(super) payload_class: Pin<&'static LockClassKey>,
}

impl<K: Key, N: Send + 'static, M: Note, L: Level> Pool<K, N, M, L> {
    /// Constructs a pool initialiser; [`new_pool!`] is the usual way.
    ///
    /// The classes are those of the pool's lock, of its count lock, of its event, and of the nodes'
    /// locks.
    ///
    /// Context: any; it only initialises.
    pub fn new(
        name: &'static CStr,
        [lock, counts, event, payload_class]: [Pin<&'static LockClassKey>; 4],
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            table <- SpinLock::new(Table::new(), name, lock),
            uses <- Uses::new(name, counts, event),
            len: Atomic::new(0),
            name,
            payload_class,
        })
    }

    /// Returns how many nodes there are.
    ///
    /// Context: any, also under the pool's guard: it takes no lock.
    pub fn len(&self) -> usize {
        self.len.load(Relaxed)
    }

    /// Returns whether there are no nodes.
    ///
    /// Context: as [`Pool::len`].
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many tasks wait for pins.
    ///
    /// Context: any, also under the pool's guard.
    pub fn waiters(&self) -> usize {
        self.uses.waiters()
    }

    /// Calls `report` for each node that is pinned or owned, with no lock held.
    ///
    /// Called when nothing should be in use any more, these are the pins and owners that were
    /// forgotten; the pool's drop does so and writes them to the log.
    ///
    /// Context: any, also under the pool's guard.
    pub fn leaks(&self, report: impl FnMut(Leak<K>)) {
        self.uses.leaks(report);
    }

    /// Counts a node that was added to the table, whose lock is held.
    pub(super) fn added(&self) {
        self.len.fetch_add(1, Relaxed);
    }

    /// Counts a node that was taken out of the table, whose lock is held.
    pub(super) fn taken(&self, _node: &Outside<K, N, M>) {
        self.len.fetch_sub(1, Relaxed);
    }
}

#[pinned_drop]
impl<K: Key, N: Send + 'static, M: Note, L: Level> PinnedDrop for Pool<K, N, M, L> {
    fn drop(self: Pin<&mut Self>) {
        let name = self.name.to_str().unwrap_or("?");
        self.leaks(|leak| {
            pr_warn!(
                "pool {}: node {:?}, generation {}, has {} leaked pins and {} owner, the last from {}:{}\n",
                name,
                leak.key,
                leak.generation,
                leak.pins,
                if leak.exclusive { "an" } else { "no" },
                leak.at.file(),
                leak.at.line()
            );
        });
    }
}
