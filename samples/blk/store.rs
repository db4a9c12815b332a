// SPDX-License-Identifier: GPL-2.0

//! The data of a disk: a map of lockable entries, and the pages that they stand for.
//!
//! ```text
//!   no entry                 reads as zeroes
//!   zero entry, one page     reads as zeroes, and is provisioned
//!   zero entry, 2 MiB        the same for 512 of them; a write splits it
//!   entry with a page        data; whoever uses the page owns the entry meanwhile
//! ```
//!
//! The number of a page belongs to the entry that holds it. So whoever removes an entry owns its
//! page: a discard needs no lock of its own while it frees what it has removed, however many writers
//! come to the same place in the meantime. They find no entry, and make a new one with a new page.

use crate::stats::Stats;
use baton::{
    block::{
        PagePool,
        Sink,
        Source, //
    },
    entry_map::{
        new_entry_map,
        At,
        EntryGuard,
        EntryMap,
        Mark,
        Order,
        Outcome,
        Slot,
        Value, //
    },
    event::Io,
    MaySleep, //
};
use core::ops::Range;
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
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

/// The data of one disk.
#[pin_data]
pub(crate) struct Store {
    #[pin]
    entries: EntryMap<PageId>,
    #[pin]
    pages: PagePool,
}

/// Some bytes of one page.
struct Piece {
    index: usize,
    bytes: Range<usize>,
}

impl Piece {
    fn is_whole(&self) -> bool {
        self.bytes.len() == PAGE_SIZE
    }
}

/// Splits a range of bytes at page boundaries.
fn pieces(start: u64, bytes: u64) -> impl Iterator<Item = Piece> {
    let end = start + bytes;
    let mut at = start;
    core::iter::from_fn(move || {
        if at >= end {
            return None;
        }
        let index = at / PAGE_SIZE as u64;
        let from = at % PAGE_SIZE as u64;
        let len = (PAGE_SIZE as u64 - from).min(end - at);
        at += len;
        // CAST: The index is one of a page in memory, the rest is less than a page.
        Some(Piece {
            index: index as usize,
            bytes: from as usize..(from + len) as usize,
        })
    })
}

/// Returns the indices of the pages that lie in a range of bytes as a whole.
fn whole_pages(start: u64, bytes: u64) -> Range<usize> {
    let first = start.div_ceil(PAGE_SIZE as u64);
    let end = (start + bytes) / PAGE_SIZE as u64;
    // CAST: The indices are of pages in memory.
    first as usize..end.max(first) as usize
}

/// Returns the parts of a range of bytes that are less than a page, at its two ends.
fn fragments(start: u64, bytes: u64) -> impl Iterator<Item = Piece> {
    let size = PAGE_SIZE as u64;
    let end = start + bytes;
    // The end of the first page, and the start of the last one.
    let head = start.next_multiple_of(size).min(end);
    let tail = (end - end % size).max(head);
    [(start, head), (tail, end)]
        .into_iter()
        .flat_map(|(from, to)| pieces(from, to - from))
        .filter(|piece| !piece.is_whole())
}

impl Store {
    /// Makes an empty store of `pages` pages.
    pub(crate) fn new(pages: usize) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            entries <- new_entry_map!(NoIo),
            pages <- PagePool::new(u32::try_from(pages.saturating_add(SPARE_PAGES))?),
        })
    }

    /// Does what `f` says to the entry of `index`, and counts if that has to wait.
    fn at(
        &self,
        index: usize,
        order: Order,
        stats: &Stats,
        cx: &mut MaySleep,
        mut f: impl FnMut(Slot<PageId>) -> Outcome<PageId>,
    ) -> Result<At<'_, PageId>> {
        match self.entries.try_at(index, order, &mut f) {
            Err(e) if e == EAGAIN => {
                stats.entry_waits.inc();
                self.entries.at(cx, Io, index, order, |slot| {
                    match slot {
                        Slot::Unlocked(_) => stats.entry_handovers.inc(),
                        Slot::Vacant | Slot::Conflict(_) => stats.entry_vanished.inc(),
                    }
                    f(slot)
                })
            }
            // There was none at once: sleep for it.
            Err(e) if e == ENOMEM => self.entries.at(cx, Io, index, order, f),
            result => result,
        }
    }

    /// Locks the entry of a page that has one, unless it is a zero entry.
    fn lock_data(
        &self,
        index: usize,
        stats: &Stats,
        cx: &mut MaySleep,
    ) -> Result<Option<EntryGuard<'_, PageId>>> {
        self.at(index, Order::Pte, stats, cx, |slot| match slot {
            Slot::Unlocked(entry) if !entry.is_zero() => Outcome::Lock,
            Slot::Unlocked(_) | Slot::Vacant | Slot::Conflict(_) => Outcome::Leave,
        })
        .map(At::locked)
    }

    /// Locks the entry of a page, and makes it if there is none. It is of order 0.
    fn lock_or_insert(
        &self,
        index: usize,
        stats: &Stats,
        cx: &mut MaySleep,
    ) -> Result<EntryGuard<'_, PageId>> {
        loop {
            let at = self.at(index, Order::Pte, stats, cx, |slot| match slot {
                Slot::Vacant => Outcome::InsertZeroLocked(PageId::NONE),
                Slot::Unlocked(_) => Outcome::Lock,
                // An entry cannot be smaller than a page.
                Slot::Conflict(_) => Outcome::Leave,
            })?;
            let guard = at.locked().ok_or(EIO)?;
            match guard.granule().order() {
                Order::Pte => return Ok(guard),
                Order::Pmd => {
                    guard.split(cx, |_| PageId::NONE)?;
                    stats.splits.inc();
                }
            }
        }
    }

    /// Frees the page of an entry that is gone.
    fn free(&self, id: PageId) -> Result {
        match id {
            PageId(Some(id)) => self.pages.free(id),
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
            let guard = self.lock_data(piece.index, stats, cx)?;
            let page = match guard.as_ref().map(|guard| guard.value()) {
                Some(PageId(Some(id))) => Some(self.pages.borrow(id)?),
                _ => None,
            };
            let src = page.as_ref().map_or(&ZEROES[..], |page| page.bytes());
            sink.copy_from(src.get(piece.bytes).ok_or(EIO)?)?;
        }
        Ok(())
    }

    /// Keeps the bytes of the request from `start` on.
    pub(crate) fn write(
        &self,
        start: u64,
        bytes: u64,
        source: &mut Source<'_>,
        stats: &Stats,
        cx: &mut MaySleep,
    ) -> Result {
        for piece in pieces(start, bytes) {
            let mut guard = self.lock_or_insert(piece.index, stats, cx)?;
            let mut page = match guard.value() {
                PageId(Some(id)) => self.pages.borrow(id)?,
                PageId::NONE => {
                    let page = self.pages.alloc()?;
                    guard.set(PageId(Some(page.id())))?;
                    page
                }
            };
            source.copy_to(page.bytes_mut().get_mut(piece.bytes).ok_or(EIO)?)?;
            // The page is given back before the entry is.
            drop(page);
            guard.unlock_marked(Mark::Dirty);
        }
        Ok(())
    }

    /// Makes the bytes of less than a page read as zeroes.
    fn zero_fragment(&self, piece: Piece, stats: &Stats, cx: &mut MaySleep) -> Result {
        let Some(guard) = self.lock_data(piece.index, stats, cx)? else {
            return Ok(());
        };
        if let PageId(Some(id)) = guard.value() {
            let mut page = self.pages.borrow(id)?;
            page.bytes_mut().get_mut(piece.bytes).ok_or(EIO)?.fill(0);
        }
        guard.unlock_marked(Mark::Dirty);
        Ok(())
    }

    /// Removes the entries of a range of pages, and frees their pages.
    fn remove(&self, range: Range<usize>, cx: &mut MaySleep) -> Result {
        let mut result = Ok(());
        self.entries
            .invalidate(cx, Io, range, |_cx, _granule, id| {
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

    /// Makes what has changed in a range of bytes stable; returns how many entries that were.
    pub(crate) fn write_back(&self, start: u64, bytes: u64, cx: &mut MaySleep) -> Result<usize> {
        let pages = (start / PAGE_SIZE as u64) as usize
            ..(start + bytes).div_ceil(PAGE_SIZE as u64) as usize;
        // The medium is this memory, hence there is nothing to copy; the entry becomes clean.
        self.entries.write_back(cx, Io, pages, |_cx, _entry| Ok(()))
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
