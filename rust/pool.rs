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
//! The pool's lock is a spinlock and held for lookups only: nothing is allocated and no destructor
//! of the user's runs under it, so reclaim may take it whatever the allocation was for. The payload
//! of a node is under a mutex of its own. It is taken through a pin, hence without the pool's lock;
//! do not take it on a path from reclaim: [`Exclusive::try_lock`] is there for that.
//!
//! [`Reclaim`]: crate::shrinker::Reclaim

mod batch;
mod guard;
mod pin;
mod reclaim;
mod table;

pub use batch::Batch;
pub use guard::{
    CanGiveUp,
    PoolGuard, //
};
pub use pin::{
    Exclusive,
    Pinned,
    Unheld, //
};
pub use table::{
    Candidate,
    Refused, //
};

use crate::{
    context::MaySleep,
    event::{
        Any,
        Event, //
    },
    held::Held,
    level::{
        After,
        Level,
        Unordered, //
    },
    registry::{
        self,
        Kind,
        Object, //
    },
    trace::{
        self,
        Pin as Step, //
    },
};
use core::{
    fmt::Debug,
    panic::Location, //
};
use kernel::{
    alloc::Flags,
    prelude::*,
    rbtree::RBTreeNode,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        LockClassKey,
        Mutex,
        SpinLock, //
    },
    task::Task,
};
use table::{
    Node,
    Record,
    Table, //
};

/// What can be the key of a node: a small value.
pub trait Key: Copy + Ord + Debug + Send + 'static {}

impl<K: Copy + Ord + Debug + Send + 'static> Key for K {}

/// What can be noted about a node under the pool's lock: a small value, without a destructor.
pub trait Note: Copy + Send + 'static {}

impl<M: Copy + Send + 'static> Note for M {}

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
            ],
        )
    };
}
pub use new_pool;

/// What the pool's lock protects.
#[pin_data]
pub(crate) struct State<K: Key, N: Send + 'static, M: Note, L: Level> {
    #[pin]
    pub(crate) table: Event<Table<K, N, M>, Any, L>,
}

/// Tells the registry of one pin, or exclusive owner, less of the pool whose table is `object`.
#[inline(always)]
pub(crate) fn ends(object: Object, exclusive: bool) {
    registry::paid(object);
    let step = if exclusive {
        Step::GivesBack
    } else {
        Step::Unpins
    };
    trace::pin(object, step, 1);
}

/// Nodes with an identity, which lasts as long as somebody uses them.
///
/// `K` is the key of a node, `N` its payload, under the node's own lock. `M` is what a selection looks
/// at, under the pool's lock: whether the node is dirty, for example. `L` is the level of the pool's
/// lock, of waiting for pins, and of the nodes' locks: a task has one of them at a time.
///
/// Pins borrow the pool, so it outlives them. A pin that was forgotten keeps its node's memory and
/// refuses its reuse for ever. Nobody hangs on that: reclaim passes the node by, and a wait for it can
/// end otherwise, see [`CanGiveUp`]. When the pool goes it says which pins are left.
///
/// `mem::forget` of a pool leaks its nodes.
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
///     let mut batch = Batch::with_capacity(8, GFP_KERNEL)?;
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
    pub(crate) state: SpinLock<State<K, N, M, L>>,
    /// The task that holds `state` through a [`PoolGuard`].
    pub(crate) holder: Atomic<usize>,
    /// Whether that task has dropped something meanwhile.
    pub(crate) unsettled: Atomic<bool>,
    name: &'static CStr,
    payload_class: Pin<&'static LockClassKey>,
}

/// A pin that nobody has dropped: see [`Pool::leaks`].
#[derive(Clone, Copy, Debug)]
pub struct Leak<K> {
    /// The node's key.
    pub key: K,
    /// The node's generation.
    pub generation: u64,
    /// How many pins it has.
    pub pins: usize,
    /// Where the last one was made.
    pub at: &'static Location<'static>,
}

pub(crate) fn current() -> usize {
    Task::current_raw() as usize
}

impl<K: Key, N: Send + 'static, M: Note, L: Level> Pool<K, N, M, L> {
    /// Constructs a pool initialiser; [`new_pool!`] is the usual way.
    ///
    /// The classes are those of the pool's lock, of its event, and of the nodes' locks.
    pub fn new(
        name: &'static CStr,
        [lock, event, payload_class]: [Pin<&'static LockClassKey>; 3],
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            state <- SpinLock::new(
                pin_init!(State {
                    table <- Event::of_kind(Kind::Pin, Table::new(), name, event),
                }),
                name,
                lock,
            ),
            holder: Atomic::new(0),
            unsettled: Atomic::new(false),
            name,
            payload_class,
        })
    }

    /// Acquires the pool's lock.
    ///
    /// Context: may sleep afterwards; under the guard nothing can.
    #[inline]
    pub fn lock_in<'p, 'c, C: Level>(
        &'p self,
        cx: &'c mut MaySleep<C>,
    ) -> PoolGuard<'p, 'c, K, N, M, C, L>
    where
        L: After<C>,
    {
        PoolGuard::new(self, Held::new(self.state.lock(), cx))
    }

    /// Adds a node, and pins it.
    ///
    /// Memory is got before the lock is taken; `flags` has to fit what the caller does, `GFP_NOIO`
    /// for example if the node is needed to write pages out.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `EEXIST` if there is a node with this key. The payload is dropped.
    #[track_caller]
    pub fn insert<C: Level>(
        &self,
        cx: &mut MaySleep<C>,
        key: K,
        note: M,
        payload: N,
        flags: Flags,
    ) -> Result<Pinned<'_, K, N, M, L>>
    where
        L: After<C>,
    {
        let at = Location::caller();
        let node = Arc::pin_init(
            pin_init!(Node {
                payload <- Mutex::new(payload, self.name, self.payload_class),
                unpinned: Atomic::new(0),
                returned: Atomic::new(0),
            }),
            flags,
        )?;
        let record = Record {
            node: node.clone(),
            note,
            generation: 0,
            used: 0,
            pins: 1,
            exclusive: false,
            at,
        };
        let record = RBTreeNode::new(key, record, flags)?;
        let order = RBTreeNode::new(0, key, flags)?;

        // What is not added is dropped after the lock.
        let mut guard = self.lock_in(cx);
        let added = guard.update(|table| {
            if table.nodes.get(&key).is_some() {
                return Err((record, order));
            }
            Ok(table.add(key, record, order))
        });
        if added.is_ok() {
            guard.begins(Step::Pins, 1);
        }
        drop(guard);
        match added {
            Ok(generation) => Ok(Pinned::new(self, key, node, generation)),
            Err(_) => Err(EEXIST),
        }
    }

    /// Returns how many nodes there are.
    pub fn len(&self) -> usize {
        self.state.lock().table.len
    }

    /// Returns whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many tasks wait for pins; [`None`] if the lock is not free.
    pub fn try_waiters(&self) -> Option<usize> {
        Some(self.state.try_lock()?.table.waiters())
    }

    /// Calls `report` for each node that is pinned, under the pool's lock.
    ///
    /// Called when nothing should be in use any more, these are the leaked pins; the pool's drop does
    /// so and writes them to the log.
    pub fn leaks(&self, mut report: impl FnMut(Leak<K>)) {
        let state = self.state.lock();
        for (key, record) in state
            .table
            .nodes
            .iter()
            .filter(|(_, record)| record.pins > 0)
        {
            report(Leak {
                key: *key,
                generation: record.generation,
                pins: record.pins,
                at: record.at,
            });
        }
    }

    /// Counts a pin, or an exclusive owner, that is gone, and serves whom that makes possible.
    ///
    /// Pins may be dropped under a guard of the same pool, whose task would wait for itself here:
    ///
    /// ```text
    ///   1 guard = pool.lock_in(cx)       holder = this task
    ///   2 drop(pin)                      the holder is this task: counted in the node
    ///   3 drop(guard), or a wait         counted in the table, holder = none, unlock
    /// ```
    ///
    /// All of it is one task's program order, so that nothing has to be ordered.
    pub(crate) fn release(&self, key: &K, node: &Node<N>, exclusive: bool) {
        if self.holder.load(Relaxed) == current() {
            let count = if exclusive {
                &node.returned
            } else {
                &node.unpinned
            };
            count.fetch_add(1, Relaxed);
            self.unsettled.store(true, Relaxed);
            return;
        }
        let mut state = self.state.lock();
        ends(state.table.object(), exclusive);
        state.as_mut().project().table.update(|table| {
            // The key cannot have changed: that takes an `Exclusive`, and there was none besides.
            if let Some(record) = table.nodes.get_mut(key) {
                if exclusive {
                    record.exclusive = false;
                } else {
                    record.pins -= 1;
                }
            }
        });
    }
}

#[pinned_drop]
impl<K: Key, N: Send + 'static, M: Note, L: Level> PinnedDrop for Pool<K, N, M, L> {
    fn drop(self: Pin<&mut Self>) {
        let name = self.name.to_str().unwrap_or("?");
        self.leaks(|leak| {
            pr_warn!(
                "pool {}: node {:?}, generation {}, has {} leaked pins, the last from {}:{}\n",
                name,
                leak.key,
                leak.generation,
                leak.pins,
                leak.at.file(),
                leak.at.line()
            );
        });
    }
}
