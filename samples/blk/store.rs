// SPDX-License-Identifier: GPL-2.0

//! The data of a disk: a map of lockable entries, and the pages that they stand for.
//!
//! ```text
//!   no entry                 reads as zeroes
//!   zero entry, one page     reads as zeroes, and is provisioned
//!   zero entry, 2 MiB        the same for 512 of them; a write splits it
//!   entry with a page        data; its owner changes the page, and those who share it read it
//! ```
//!
//! The number of a page belongs to the entry that holds it. So whoever removes an entry owns its
//! page: a discard needs no lock of its own while it frees what it has removed, however many writers
//! come to the same place in the meantime. They find no entry, and make a new one with a new page.
//!
//! Whether a page is dirty, and its checksum, are [stamped](crate::stamp) on the page. Whoever makes it
//! stable brings the checksum to [`Sums`] first, and then changes the stamp, unless the page is another
//! version by then: a checksum is never in neither place.

mod entries;
mod pieces;
mod stable;
mod verify;

pub(crate) use verify::Verdict;

use crate::{
    checksum::Checksum,
    levels::order,
    ring::Done,
    stamp::{
        Stamp,
        Stamped, //
    },
    stats::Stats,
    sums::Sums, //
};
use baton::{
    block::{
        PagePool,
        PageRef,
        Sink,
        Source, //
    },
    entry_map::{
        At,
        DetachedSharedEntry,
        EntryGuard,
        Order,
        Outcome,
        SharedEntry,
        Slot,
        Value, //
    },
    event::Io,
    After,
    Level,
    MaySleep, //
};
use core::ops::Range;
use entries::Entries;
use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
};
use pieces::{
    fragments,
    pieces,
    whole_pages,
    Piece, //
};

/// What reads as zeroes.
static ZEROES: [u8; PAGE_SIZE] = [0; PAGE_SIZE];

/// Pages beyond the capacity of the disk: those that discards have removed and not freed yet, while
/// writers have taken new ones.
const SPARE_PAGES: usize = 4096;

/// The number of a page in the pool, or none.
#[derive(Clone, Copy, PartialEq, Eq)]
struct PageId(Option<u32>);

impl PageId {
    const NONE: Self = Self(None);
}

impl Value for PageId {
    fn to_bits(self) -> u64 {
        self.0.map_or(0, |id| u64::from(id) + 1)
    }

    fn from_bits(bits: u64) -> Self {
        // CAST: The bits came from an `u32` plus one.
        Self(bits.checked_sub(1).map(|id| id as u32))
    }
}

/// An entry that a request shares while it reads the page.
type Share<'a> = DetachedSharedEntry<'a, PageId, order::Entry>;

/// An entry in the hands of a request: what it takes then stands below the entries.
type Guard<'a, 'c> = EntryGuard<'a, 'c, PageId, order::Entry>;

/// The data of one disk.
#[pin_data]
pub(crate) struct Store {
    entries: Entries,
    #[pin]
    pages: PagePool,
    sums: Arc<Sums>,
    /// That of its pages.
    checksum: Checksum,
    capacity: Atomic<usize>,
}

/// Returns how many pages a disk of `pages` pages can have in use.
fn page_limit(pages: usize) -> Result<u32> {
    Ok(u32::try_from(pages.saturating_add(SPARE_PAGES))?)
}

impl Store {
    /// Makes an empty store of `capacity` pages.
    pub(crate) fn new(
        capacity: usize,
        checksum: Checksum,
        sums: Arc<Sums>,
        cx: &mut MaySleep,
    ) -> Result<impl PinInit<Self, Error>> {
        let pages = PagePool::new(cx, page_limit(capacity)?, u32::MAX)?;
        Ok(try_pin_init!(Self {
            entries: Entries::new()?,
            pages <- pages,
            sums,
            checksum,
            capacity: Atomic::new(capacity),
        }))
    }

    /// Returns the number of pages.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity.load(Relaxed)
    }

    /// Returns whether a range of bytes is on the disk.
    pub(crate) fn contains(&self, start: u64, bytes: u64) -> bool {
        let end = self.capacity() as u64 * PAGE_SIZE as u64;
        start.checked_add(bytes).is_some_and(|last| last <= end)
    }

    /// Changes the number of pages, with nothing in flight. What was beyond a smaller one is gone.
    ///
    /// A larger one needs memory; if there is none nothing has changed.
    pub(crate) fn resize(&self, pages: usize, cx: &mut MaySleep) -> Result {
        let limit = page_limit(pages)?;
        self.sums.grow(pages, cx)?;
        let before = self.capacity();
        self.capacity.store(pages, Relaxed);
        self.pages.set_limit(limit)?;
        if pages < before {
            self.remove(pages..before, cx)?;
        }
        Ok(())
    }

    /// Forgets everything, with nothing in flight.
    pub(crate) fn clear(&self, cx: &mut MaySleep) -> Result {
        self.remove(0..self.capacity(), cx)
    }

    /// Does what `f` says to the entry of `index`, and counts if that has to wait.
    fn at<'c, C: Level>(
        &self,
        index: usize,
        order: Order,
        stats: &Stats,
        cx: &'c mut MaySleep<C>,
        mut f: impl FnMut(Slot<PageId>) -> Outcome<PageId> + Send,
    ) -> Result<At<PageId, Guard<'_, 'c>>>
    where
        order::Entry: After<C>,
    {
        let map = self.entries.of(index)?;
        match map.try_at(index, order, &mut f) {
            Err(e) if e == EAGAIN => {
                stats.entry_waits.inc();
                map.at(cx, Io, index, order, |slot| {
                    match slot {
                        Slot::Unlocked(_) => stats.entry_handovers.inc(),
                        Slot::Vacant | Slot::Conflict(_) => stats.entry_vanished.inc(),
                    }
                    f(slot)
                })
            }
            // There was none at once: sleep for it.
            Err(e) if e == ENOMEM => map.at(cx, Io, index, order, f),
            result => Ok(result?.map_locked(|entry| entry.attach(cx))),
        }
    }

    /// Counts how a wait for an entry has ended.
    fn waited<G>(found: Option<G>, stats: &Stats) -> Option<G> {
        match found {
            Some(_) => stats.entry_handovers.inc(),
            None => stats.entry_vanished.inc(),
        }
        found
    }

    /// Locks the entry of a page that has one, and counts if that has to wait.
    fn lock<'c, C: Level>(
        &self,
        index: usize,
        stats: &Stats,
        cx: &'c mut MaySleep<C>,
    ) -> Result<Option<Guard<'_, 'c>>>
    where
        order::Entry: After<C>,
    {
        let map = self.entries.of(index)?;
        match map.try_lock(index) {
            Err(e) if e == EAGAIN => {
                stats.entry_waits.inc();
                Ok(Self::waited(map.lock(cx, Io, index)?, stats))
            }
            found => Ok(found?.map(|entry| entry.attach(cx))),
        }
    }

    /// As [`Store::lock`], unless it is a zero entry.
    fn lock_data<'c, C: Level>(
        &self,
        index: usize,
        stats: &Stats,
        cx: &'c mut MaySleep<C>,
    ) -> Result<Option<Guard<'_, 'c>>>
    where
        order::Entry: After<C>,
    {
        let entry = self.lock(index, stats, cx)?;
        Ok(entry.filter(|entry| !entry.is_zero()))
    }

    /// Shares the entry of a page that has one, and counts if that has to wait.
    fn share(&self, index: usize, stats: &Stats, cx: &mut MaySleep) -> Result<Option<Share<'_>>> {
        let map = self.entries.of(index)?;
        match map.try_lock_shared(index) {
            Err(e) if e == EAGAIN => {
                stats.entry_waits.inc();
                let found = Self::waited(map.lock_shared(cx, Io, index)?, stats);
                Ok(found.map(SharedEntry::detach))
            }
            found => found,
        }
    }

    /// Locks the entry of a page, and makes it if there is none. It is of order 0.
    fn lock_or_insert<'c>(
        &self,
        index: usize,
        stats: &Stats,
        cx: &'c mut MaySleep,
    ) -> Result<Guard<'_, 'c>> {
        let there = self.lock(index, stats, cx)?.map(Guard::detach);
        if let Some(entry) = there.filter(|entry| entry.granule().order() == Order::Pte) {
            return Ok(entry.attach(cx));
        }
        let entry = loop {
            let at = self.at(index, Order::Pte, stats, cx, |slot| match slot {
                Slot::Vacant => Outcome::InsertZeroLocked(PageId::NONE),
                Slot::Unlocked(_) => Outcome::Lock,
                // An entry cannot be smaller than a page.
                Slot::Conflict(_) => Outcome::Leave,
            })?;
            let guard = at.locked().ok_or(EIO)?;
            match guard.granule().order() {
                Order::Pte => break guard.detach(),
                Order::Pmd => {
                    guard.split(|_| PageId::NONE)?;
                    stats.splits.inc();
                }
            }
        };
        Ok(entry.attach(cx))
    }

    /// Frees the page of an entry that is gone.
    fn free(&self, id: PageId) -> Result {
        match id {
            PageId(Some(id)) => {
                let mut page = self.pages.borrow(id)?;
                // A record of it that is to be made stable must not find it.
                page.set_stamp(Stamp::from_bits(page.stamp()).gone().bits());
                page.free();
                Ok(())
            }
            PageId::NONE => Ok(()),
        }
    }

    /// Copies the bytes from `start` on to the request.
    pub(crate) fn read(
        &self,
        start: u64,
        bytes: u64,
        sink: &mut Sink<'_>,
        stats: &Stats,
        cx: &mut MaySleep,
    ) -> Result {
        for piece in pieces(start, bytes) {
            // Others may read it as well.
            let share = self.share(piece.index, stats, cx)?;
            let page = match share.as_ref().map(|entry| entry.value()) {
                Some(PageId(Some(id))) => Some(self.pages.share(id)?),
                _ => None,
            };
            let src = page.as_ref().map_or(&ZEROES[..], |page| page.bytes());
            sink.copy_from(src.get(piece.bytes).ok_or(EIO)?)?;
        }
        Ok(())
    }

    /// Stamps its checksum on a page that was changed, which is dirty.
    fn stamp(&self, page: &mut PageRef<'_>) -> Stamped {
        let sum = self.checksum.of(page.bytes());
        let stamp = Stamp::from_bits(page.stamp()).changed(sum);
        page.set_stamp(stamp.bits());
        Stamped {
            id: page.id(),
            stamp,
        }
    }

    /// Keeps the bytes of the request from `start` on. Returns what was done, for the log.
    pub(crate) fn write(
        &self,
        start: u64,
        bytes: u64,
        source: &mut Source<'_>,
        stats: &Stats,
        cx: &mut MaySleep,
    ) -> Result<Done> {
        let mut done = None;
        for piece in pieces(start, bytes) {
            let mut guard = self.lock_or_insert(piece.index, stats, cx)?;
            let mut page = match guard.value() {
                PageId(Some(id)) => self.pages.borrow(id)?,
                PageId::NONE => {
                    let page = self.pages.alloc(guard.inner())?;
                    guard.set(PageId(Some(page.id())))?;
                    page
                }
            };
            let copied = source.copy_to(page.bytes_mut().get_mut(piece.bytes).ok_or(EIO)?);
            let stamped = self.stamp(&mut page);
            // The page is given back before the entry is.
            drop(page);
            guard.unlock();
            copied?;
            done = Some(done.map_or(Done::Stamped(stamped), |_| Done::Written));
        }
        Ok(done.unwrap_or_default())
    }

    /// Makes the bytes of less than a page read as zeroes.
    fn zero_fragment(&self, piece: Piece, stats: &Stats, cx: &mut MaySleep) -> Result {
        let Some(guard) = self.lock_data(piece.index, stats, cx)? else {
            return Ok(());
        };
        if let PageId(Some(id)) = guard.value() {
            let mut page = self.pages.borrow(id)?;
            page.bytes_mut().get_mut(piece.bytes).ok_or(EIO)?.fill(0);
            self.stamp(&mut page);
        }
        Ok(())
    }

    /// Removes the entries of a range of pages, and frees their pages.
    fn remove(&self, range: Range<usize>, cx: &mut MaySleep) -> Result {
        let mut result = Ok(());
        self.entries.remove(range, cx, |id| {
            if let Err(e) = self.free(id) {
                result = Err(e);
            }
        })?;
        result
    }

    /// Forgets the bytes from `start` on: they read as zeroes.
    pub(crate) fn discard(
        &self,
        start: u64,
        bytes: u64,
        stats: &Stats,
        cx: &mut MaySleep,
    ) -> Result {
        for piece in fragments(start, bytes) {
            self.zero_fragment(piece, stats, cx)?;
        }
        let pages = whole_pages(start, bytes);
        if pages.is_empty() {
            return Ok(());
        }
        self.remove(pages, cx)
    }

    /// Makes the bytes from `start` on read as zeroes, and keeps their place: zero entries, of 2 MiB
    /// where that fits.
    pub(crate) fn provision_zeroes(
        &self,
        start: u64,
        bytes: u64,
        stats: &Stats,
        cx: &mut MaySleep,
    ) -> Result {
        for piece in fragments(start, bytes) {
            self.zero_fragment(piece, stats, cx)?;
        }
        let mut pages = whole_pages(start, bytes);
        while !pages.is_empty() {
            let huge = Order::Pmd.len();
            if pages.start % huge == 0
                && pages.len() >= huge
                && self.zero_huge(pages.start, stats, cx)?
            {
                pages.start += huge;
            } else {
                self.zero_page(pages.start, stats, cx)?;
                pages.start += 1;
            }
        }
        Ok(())
    }

    /// Makes a zero entry of 2 MiB. Returns `false` if a writer was faster.
    fn zero_huge(&self, index: usize, stats: &Stats, cx: &mut MaySleep) -> Result<bool> {
        self.remove(index..index + Order::Pmd.len(), cx)?;
        let at = self.at(index, Order::Pmd, stats, cx, |slot| match slot {
            Slot::Vacant => Outcome::InsertZero(PageId::NONE),
            Slot::Conflict(_) | Slot::Unlocked(_) => Outcome::Leave,
        });
        match at {
            Ok(At::Stored) => {
                stats.huge_zeroes.inc();
                Ok(true)
            }
            Ok(_) => Ok(false),
            // The kernel has no entries of several sizes.
            Err(e) if e == EOPNOTSUPP => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Makes a zero entry of one page, unless a larger one covers it.
    fn zero_page(&self, index: usize, stats: &Stats, cx: &mut MaySleep) -> Result {
        let mut old = PageId::NONE;
        let _ = self.at(index, Order::Pte, stats, cx, |slot| match slot {
            Slot::Vacant => Outcome::InsertZero(PageId::NONE),
            Slot::Unlocked(entry) if !entry.is_zero() => {
                old = entry.value();
                Outcome::ReplaceZero(PageId::NONE)
            }
            Slot::Unlocked(_) | Slot::Conflict(_) => Outcome::Leave,
        })?;
        // The entry has given it up.
        self.free(old)
    }

    /// Returns the checksums.
    pub(crate) fn sums(&self) -> &Sums {
        &self.sums
    }

    /// Returns the number of pages that hold data.
    pub(crate) fn pages(&self) -> usize {
        self.pages.in_use()
    }

    /// Returns how often a page was about to be used by two at once.
    pub(crate) fn refused(&self) -> usize {
        self.pages.refused()
    }

    /// Returns how many tasks wait for an entry.
    pub(crate) fn sleepers(&self) -> usize {
        self.entries.sleepers()
    }
}
