// SPDX-License-Identifier: GPL-2.0

//! The checksums of a disk: nodes that are cached, written out by a checkpoint, and reclaimed.
//!
//! ```text
//!   page     has its checksum with it until it is stable
//!   node     the checksums of 512 pages, in the cache; dirty until a checkpoint has written it
//!   medium   where nodes are written to and read from, memory as the rest of the disk
//! ```
//!
//! A write touches no node: whoever makes pages stable brings their checksums here, and looks a node up
//! once for several of them. Nor is a node written because it is dirty: that is [due](Sums::checkpoint_due) when
//! many are, when their memory is wanted, and when some time has passed.
//!
//! In C, this is where `bcache` went wrong: a checkpoint picks the oldest dirty nodes under the lock of
//! the cache and writes them without it, while reclaim frees nodes and others get their memory. What
//! is picked here is pinned.
//!
//! A node that is made for the cache is empty, and read under its own lock by whoever comes first.
//! Were it read before it is added, it could be old by then: somebody else may have added, changed,
//! written and reclaimed one of the same number in the meantime.
//!
//! I/O depends on all of this, so it runs [without I/O](baton::block::without_io) of its own.

use crate::{
    journal::Checkpoint,
    levels::order,
    stats::{
        Counter,
        Stats, //
    },
};
use baton::{
    event::{
        Mode,
        Uninterruptible, //
    },
    pool::{
        new_pool,
        Batch,
        Pinned,
        Pool,
        Refused, //
    },
    shrinker::{
        Reclaim,
        Scanned,
        Shrink, //
    },
    After,
    Held,
    Level,
    MaySleep,
    Ordered, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        lock::mutex::MutexBackend,
        Arc,
        Mutex, //
    },
};

/// The pages of one node.
const PAGES: usize = 512;

/// The nodes that a checkpoint writes at a time. As long as fewer are dirty it writes none.
const BATCH: usize = 8;

/// How often a checkpoint does that.
const ROUNDS: usize = 8;

/// The nodes that somebody who brings checksums has at a time.
const SLOTS: usize = 16;

/// So many dirty nodes are not left to grow old: half a MiB of them.
const MANY: usize = 256;

type Sheet = [u32; PAGES];

/// What is in a node: nothing until it was read.
type Node = Option<KBox<Sheet>>;

/// What is known of a node under the lock of the cache.
#[derive(Clone, Copy)]
struct Note {
    dirty: bool,
}

type Pin<'a> = Pinned<'a, usize, Node, Note, order::Node>;

/// The checksums of one disk.
#[pin_data]
pub(crate) struct Sums {
    #[pin]
    nodes: Pool<usize, Node, Note, order::Node>,
    #[pin]
    medium: Ordered<order::Medium, Mutex<KVVec<Node>>>,
    /// How many nodes are dirty.
    dirty: Atomic<usize>,
    /// Whether the kernel wanted memory, and there was no node that is clean.
    pressed: Atomic<bool>,
    reclaimed: Counter,
}

fn places(pages: usize) -> Result<KVVec<Node>> {
    let count = pages.div_ceil(PAGES);
    let mut places = KVVec::with_capacity(count, GFP_KERNEL)?;
    for _ in 0..count {
        places.push(None, GFP_KERNEL)?;
    }
    Ok(places)
}

fn new_sheet() -> Result<KBox<Sheet>> {
    KBox::init(pin_init::init_zeroed(), GFP_KERNEL)
}

impl Sums {
    /// Makes a place for the checksums of `pages` pages.
    pub(crate) fn new(pages: usize) -> Result<Arc<Self>> {
        let places = places(pages)?;
        Arc::pin_init(
            try_pin_init!(Self {
                nodes <- new_pool!("baton_blk_sums"),
                medium <- Ordered::new(new_mutex!(places)),
                dirty: Atomic::new(0),
                pressed: Atomic::new(false),
                reclaimed: Counter::new(),
            }? Error),
            GFP_KERNEL,
        )
    }

    /// Makes place for `pages` pages, if there is less.
    pub(crate) fn grow(&self, pages: usize, cx: &mut MaySleep) -> Result {
        // Nobody else grows it, and it never gets smaller.
        if self.medium.lock_in(cx).len() >= pages.div_ceil(PAGES) {
            return Ok(());
        }
        // Memory is got before the lock is taken: who gives it back may need the lock.
        let mut more = places(pages)?;
        let mut medium = self.medium.lock_in(cx);
        if medium.len() < more.len() {
            for (new, old) in more.iter_mut().zip(medium.iter_mut()) {
                *new = old.take();
            }
            core::mem::swap(&mut *medium, &mut more);
        }
        drop(medium);
        drop(more);
        Ok(())
    }

    /// Pins the node of a page, and makes it if it is not in the cache.
    pub(crate) fn node<C: Level>(
        &self,
        page: usize,
        stats: &Stats,
        cx: &mut MaySleep<C>,
    ) -> Result<NodeOf<'_>>
    where
        order::Node: After<C>,
    {
        let key = page / PAGES;
        let pin = loop {
            let mut guard = self.nodes.lock_in(cx);
            match guard.pin(key) {
                Ok(pin) => break pin,
                Err(Refused::Absent) => drop(guard),
                Err(Refused::Busy) => {
                    // It is being reclaimed; once it is gone, make another one.
                    let (guard, _) = guard.wait_unpinned(Uninterruptible.timeout(1), key);
                    drop(guard);
                    continue;
                }
            }
            let note = Note { dirty: false };
            match self.nodes.insert(cx, key, note, None, GFP_KERNEL) {
                Ok(pin) => break pin,
                // Somebody else was faster.
                Err(e) if e == EEXIST => continue,
                Err(e) => return Err(e),
            }
        };
        stats.pins.inc();
        Ok(NodeOf { sums: self, pin })
    }

    /// Lets `f` change checksums, of so many ranges. A node is looked up once for several of its pages.
    pub(crate) fn change<R>(
        &self,
        ranges: usize,
        cx: &mut MaySleep,
        f: impl FnOnce(&mut Changes<'_, '_>, &mut MaySleep) -> Result<R>,
    ) -> Result<R> {
        // What is made stable by itself is one page, as a rule: slots that it does not need are not made.
        if ranges <= 1 {
            Changes::new(self, &mut [None]).do_and_finish(cx, f)
        } else {
            Changes::new(self, &mut [const { None }; SLOTS]).do_and_finish(cx, f)
        }
    }

    /// Returns when a checkpoint is worth it.
    pub(crate) fn checkpoint_due(&self) -> Checkpoint {
        match self.dirty.load(Relaxed) {
            0..BATCH => Checkpoint::Never,
            BATCH..MANY if !self.pressed.load(Relaxed) => Checkpoint::Later,
            _ => Checkpoint::Now,
        }
    }

    /// Writes the oldest dirty nodes, if there are many.
    pub(crate) fn checkpoint(&self, stats: &Stats, cx: &mut MaySleep) -> Result {
        let mut batch = Batch::with_capacity(cx, BATCH, GFP_KERNEL)?;
        self.pressed.store(false, Relaxed);
        for _ in 0..ROUNDS {
            self.nodes
                .lock_in(cx)
                .select(&mut batch, |node| node.note.dirty);
            stats.pins.add(batch.len() as u64);
            if !batch.is_full() {
                return Ok(());
            }
            stats.checkpoints.inc();
            for pin in batch.iter() {
                self.write(pin, stats, cx)?;
            }
            batch.clear();
        }
        Ok(())
    }

    /// Writes a node.
    ///
    /// ```text
    ///   checkpoint                      whoever brings checksums
    ///   1 dirty = false
    ///                                   2 changes the node, under its lock
    ///   3 copies it, under its lock
    ///                                   4 dirty = true
    /// ```
    ///
    /// Were 1 after 3, it could undo a 4 whose 2 it has not copied.
    fn write(&self, pin: &Pin<'_>, stats: &Stats, cx: &mut MaySleep) -> Result {
        let mut copy = new_sheet()?;
        self.note(pin, false, cx)?;
        {
            let mut node = pin.lock_in(cx);
            let (node, cx) = node.inner();
            if let Some(sheet) = &*node {
                *copy = **sheet;
                let mut medium = self.medium.lock_in(cx);
                let place = medium.get_mut(pin.key()).ok_or(EIO)?;
                *place = Some(copy);
                stats.nodes_written.inc();
            }
        }
        Ok(())
    }

    fn note<C: Level>(&self, pin: &Pin<'_>, dirty: bool, cx: &mut MaySleep<C>) -> Result
    where
        order::Node: After<C>,
    {
        let mut nodes = self.nodes.lock_in(cx);
        let before = nodes.note(pin, |note| core::mem::replace(&mut note.dirty, dirty));
        match (before.map_err(|_| EINVAL)?, dirty) {
            (false, true) => _ = self.dirty.fetch_add(1, Relaxed),
            (true, false) => _ = self.dirty.fetch_sub(1, Relaxed),
            _ => {}
        }
        Ok(())
    }

    /// Returns the number of nodes in the cache.
    pub(crate) fn cached(&self) -> usize {
        self.nodes.len()
    }

    /// Returns how many nodes were given back to the kernel.
    pub(crate) fn reclaimed(&self) -> u64 {
        self.reclaimed.get()
    }
}

/// The node of a page; it stays what it is.
pub(crate) struct NodeOf<'a> {
    sums: &'a Sums,
    pin: Pin<'a>,
}

impl NodeOf<'_> {
    /// Does `f` with the checksums, which are read first if nobody has done so.
    fn with_sheet<C: Level, R>(
        &self,
        stats: &Stats,
        cx: &mut MaySleep<C>,
        f: impl FnOnce(&mut Sheet) -> R,
    ) -> Result<R>
    where
        order::Node: After<C>,
    {
        let mut held: Held<'_, '_, Node, MutexBackend, C, order::Node> = self.pin.lock_in(cx);
        let (mut node, cx) = held.inner();
        if node.is_none() {
            let mut sheet = new_sheet()?;
            let medium = self.sums.medium.lock_in(cx);
            if let Some(written) = medium.get(self.pin.key()).ok_or(EIO)? {
                *sheet = **written;
                stats.nodes_read.inc();
            }
            *node = Some(sheet);
        }
        node.as_deref_mut().map(f).ok_or(EIO)
    }

    /// Returns the checksum of a page of this node.
    pub(crate) fn get<C: Level>(
        &self,
        page: usize,
        stats: &Stats,
        cx: &mut MaySleep<C>,
    ) -> Result<u32>
    where
        order::Node: After<C>,
    {
        self.with_sheet(stats, cx, |sheet| sheet[page % PAGES])
    }

    /// Changes the checksum of a page of this node, which is to be noted afterwards.
    fn set<C: Level>(&self, page: usize, sum: u32, stats: &Stats, cx: &mut MaySleep<C>) -> Result
    where
        order::Node: After<C>,
    {
        self.with_sheet(stats, cx, |sheet| sheet[page % PAGES] = sum)
    }

    fn has(&self, page: usize) -> bool {
        self.pin.key() == page / PAGES
    }
}

/// Somebody who brings checksums: with the nodes that they have changed, each in its slot, as long as no
/// other one wants that.
pub(crate) struct Changes<'a, 's> {
    sums: &'a Sums,
    nodes: &'s mut [Option<NodeOf<'a>>],
}

impl<'a, 's> Changes<'a, 's> {
    fn new(sums: &'a Sums, nodes: &'s mut [Option<NodeOf<'a>>]) -> Self {
        Self { sums, nodes }
    }

    fn do_and_finish<R>(
        mut self,
        cx: &mut MaySleep,
        f: impl FnOnce(&mut Self, &mut MaySleep) -> Result<R>,
    ) -> Result<R> {
        let result = f(&mut self, cx);
        self.finish(cx)?;
        result
    }

    /// Changes the checksum of a page.
    pub(crate) fn set<C: Level>(
        &mut self,
        page: usize,
        sum: u32,
        stats: &Stats,
        cx: &mut MaySleep<C>,
    ) -> Result
    where
        order::Node: After<C>,
    {
        let slots = self.nodes.len().max(1);
        let slot = self.nodes.get_mut(page / PAGES % slots).ok_or(EIO)?;
        if !slot.as_ref().is_some_and(|node| node.has(page)) {
            let node = self.sums.node(page, stats, cx)?;
            if let Some(before) = slot.replace(node) {
                self.sums.note(&before.pin, true, cx)?;
            }
        }
        let node = slot.as_ref().ok_or(EIO)?;
        node.set(page, sum, stats, cx)
    }

    /// Notes that the nodes that were changed are dirty.
    fn finish(&mut self, cx: &mut MaySleep) -> Result {
        for node in self.nodes.iter_mut().filter_map(Option::take) {
            self.sums.note(&node.pin, true, cx)?;
        }
        Ok(())
    }
}

impl Shrink for Sums {
    fn count(&self) -> usize {
        self.nodes.len()
    }

    fn scan(&self, reclaim: &mut Reclaim, target: usize) -> Scanned {
        let mut freed = 0;
        while freed < target {
            let Some(node) = reclaim.try_exclusive_oldest(&self.nodes, |node| !node.note.dirty)
            else {
                break;
            };
            node.free(reclaim);
            freed += 1;
        }
        if freed == 0 {
            self.pressed.store(true, Relaxed);
        }
        self.reclaimed.add(freed as u64);
        Scanned::Freed(freed)
    }
}
