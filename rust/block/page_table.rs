// SPDX-License-Identifier: GPL-2.0

//! Sparse pages, each handed out to one borrower at a time.

use core::cell::UnsafeCell;
use kernel::{
    new_spinlock,
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Relaxed,
            Release, //
        },
        SetOnce,
        SpinLock, //
    },
};

/// Slots that are allocated together; as many as pages in 2 MiB.
const CHUNK: usize = 512;

/// The bytes of one page.
pub type PageBytes = [u8; PAGE_SIZE];

/// A place for a page.
///
/// # Invariants
///
/// `page` is accessed only by whoever changed `borrowed` from `false` to `true`, until it changes
/// it back.
struct Slot {
    borrowed: Atomic<bool>,
    page: UnsafeCell<Option<KBox<PageBytes>>>,
}

// SAFETY: `page` is accessed by one borrower at a time, by the type invariants, and what it holds
// may be used and freed by any task.
unsafe impl Sync for Slot {}

type Chunk = KVec<Slot>;

/// A table of pages, most of which need not exist.
///
/// It is the memory behind a map of lockable entries: the entry lock says who may touch the page
/// of an index, and this table does not trust it. A page is *borrowed*, and a second borrower is
/// refused with `EBUSY`, so that a mistake in the locking is an error and not a data race.
/// A leaked [`PageSlot`] keeps its page borrowed for ever; it costs that page, and no hang.
#[pin_data]
pub struct PageTable {
    chunks: KVVec<SetOnce<Chunk>>,
    len: usize,
    pages: Atomic<usize>,
    refused: Atomic<usize>,
    /// Held while a chunk is set, so that nobody sees one half set.
    #[pin]
    grow: SpinLock<()>,
}

impl PageTable {
    /// Creates a table for the indices below `len`, with no pages.
    pub fn new(len: usize) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            chunks: Self::no_chunks(len.div_ceil(CHUNK))?,
            len,
            pages: Atomic::new(0),
            refused: Atomic::new(0),
            grow <- new_spinlock!(()),
        })
    }

    fn no_chunks(count: usize) -> Result<KVVec<SetOnce<Chunk>>> {
        let mut chunks = KVVec::with_capacity(count, GFP_KERNEL)?;
        for _ in 0..count {
            chunks.push(SetOnce::new(), GFP_KERNEL)?;
        }
        Ok(chunks)
    }

    /// Returns the number of pages that exist.
    pub fn pages(&self) -> usize {
        self.pages.load(Relaxed)
    }

    /// Returns how often a page was refused because it was borrowed already.
    pub fn refused(&self) -> usize {
        self.refused.load(Relaxed)
    }

    /// Borrows the slot of `index`, for which its chunk is allocated if need be.
    pub fn borrow(&self, index: usize) -> Result<PageSlot<'_>> {
        if index >= self.len {
            return Err(EINVAL);
        }
        let chunk = self.chunks.get(index / CHUNK).ok_or(EINVAL)?;
        let slots = match chunk.as_ref() {
            Some(slots) => slots,
            None => {
                let new = Self::new_chunk()?;
                let guard = self.grow.lock();
                // The first one to come sets it; another one's is superfluous, and freed.
                chunk.populate(new);
                drop(guard);
                chunk.as_ref().ok_or(EINVAL)?
            }
        };
        self.borrow_slot(slots.get(index % CHUNK).ok_or(EINVAL)?)
    }

    /// Borrows the slot of `index` if it may hold a page; never allocates.
    pub fn borrow_existing(&self, index: usize) -> Result<Option<PageSlot<'_>>> {
        let Some(slots) = self.chunks.get(index / CHUNK).and_then(|c| c.as_ref()) else {
            return Ok(None);
        };
        slots
            .get(index % CHUNK)
            .map(|slot| self.borrow_slot(slot))
            .transpose()
    }

    fn borrow_slot<'a>(&'a self, slot: &'a Slot) -> Result<PageSlot<'a>> {
        // Pairs with the release in `PageSlot::drop()`.
        if slot.borrowed.xchg(true, Acquire) {
            self.refused.fetch_add(1, Relaxed);
            return Err(EBUSY);
        }
        Ok(PageSlot { table: self, slot })
    }

    fn new_chunk() -> Result<Chunk> {
        let mut slots = KVec::with_capacity(CHUNK, GFP_KERNEL)?;
        for _ in 0..CHUNK {
            // INVARIANT: Nobody has borrowed it.
            let slot = Slot {
                borrowed: Atomic::new(false),
                page: UnsafeCell::new(None),
            };
            slots.push(slot, GFP_KERNEL)?;
        }
        Ok(slots)
    }
}

/// The slot of one index, borrowed.
///
/// # Invariants
///
/// This is the borrower of `slot`.
#[must_use = "dropping it gives the page back"]
pub struct PageSlot<'a> {
    table: &'a PageTable,
    slot: &'a Slot,
}

impl PageSlot<'_> {
    fn page(&self) -> &Option<KBox<PageBytes>> {
        // SAFETY: We are the borrower by the type invariants, and `&self` excludes `&mut self`.
        unsafe { &*self.slot.page.get() }
    }

    fn page_mut(&mut self) -> &mut Option<KBox<PageBytes>> {
        // SAFETY: We are the borrower by the type invariants, and `&mut self` is exclusive.
        unsafe { &mut *self.slot.page.get() }
    }

    /// Returns the bytes, if there is a page.
    pub fn bytes(&self) -> Option<&PageBytes> {
        self.page().as_deref()
    }

    /// Returns the bytes, of a new page of zeroes if there was none.
    pub fn bytes_mut(&mut self) -> Result<&mut PageBytes> {
        if self.page().is_none() {
            let page = KBox::init(pin_init::init_zeroed(), GFP_KERNEL)?;
            *self.page_mut() = Some(page);
            self.table.pages.fetch_add(1, Relaxed);
        }
        self.page_mut().as_deref_mut().ok_or(ENOMEM)
    }

    /// Frees the page. Returns whether there was one.
    pub fn clear(&mut self) -> bool {
        let had = self.page_mut().take().is_some();
        if had {
            self.table.pages.fetch_sub(1, Relaxed);
        }
        had
    }
}

impl Drop for PageSlot<'_> {
    fn drop(&mut self) {
        // INVARIANT: We do not touch the page after this. Pairs with the acquire in
        // `PageTable::borrow_slot()`.
        self.slot.borrowed.store(false, Release);
    }
}
