// SPDX-License-Identifier: GPL-2.0

//! Pages that are known by a number, and handed out to one borrower at a time.
//!
//! A map of lockable entries stores numbers, not pointers. This pool is what the numbers stand for:
//! the entry lock says who may touch a page, and the pool does not trust it. A page has to be
//! *borrowed*, and whoever comes second is refused, so that a mistake in the locking is an error
//! that is counted, and not a data race.

mod shared;

pub use shared::SharedPage;

use crate::{
    context::MaySleep,
    level::Level, //
};
use core::{
    cell::UnsafeCell,
    mem, //
};
use kernel::{
    alloc::{
        Allocator,
        Vec, //
    },
    page::PAGE_SIZE,
    prelude::*,
    static_lock_class,
    str::CStr,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full,
            Relaxed,
            Release, //
        },
        SetOnce,
        SpinLock, //
    },
};

/// Slots that are allocated together, and chunks whose places are.
const CHUNK: usize = 512;

/// The bytes of one page.
pub type PageBytes = [u8; PAGE_SIZE];

/// There is no page of that number, or it is free.
const FREE: u32 = 0;
/// There is a page, and nobody has borrowed it. Of those who share it each adds one.
const IDLE: u32 = 1;
/// So many can share a page.
const MOST_SHARED: u32 = 1 << 16;
/// There is a page, and somebody has borrowed it, or it is on its way to be free.
const BORROWED: u32 = u32::MAX;

/// A place for a page.
///
/// # Invariants
///
/// `page` is accessed only by whoever changed `state` to [`BORROWED`], until it changes it again, and by
/// those who have added one to [`IDLE`], until they take it off: these only read.
struct Slot {
    state: Atomic<u32>,
    /// What was stamped on the page, or on one that had its number before.
    stamp: Atomic<u64>,
    page: UnsafeCell<Option<KBox<PageBytes>>>,
}

// SAFETY: `page` is changed by one task at a time, and by none while others read it, by the type
// invariants; what it holds may be used and freed by any task.
unsafe impl Sync for Slot {}

type Chunk = KVec<Slot>;

/// Places for chunks.
type Shelf = KVec<SetOnce<Chunk>>;

/// The numbers that are free.
struct Free {
    /// Those that were in use before; it has room for all numbers below `fresh`.
    used: KVVec<u32>,
    /// The first one that was never in use.
    fresh: u32,
}

/// A pool of pages with a limit, each known by a number and handed out to one borrower at a time.
///
/// A leaked [`PageRef`] keeps its page until the pool is dropped; it costs memory, and no hang. Whoever
/// borrows a page that they have borrowed themselves is refused like anybody else.
///
/// Dropping the pool frees its pages; nobody has one then, because whoever does borrows the pool.
#[pin_data]
pub struct PagePool {
    shelves: KVVec<SetOnce<Shelf>>,
    /// The most pages there can ever be.
    max: u32,
    /// The most pages there can be now.
    limit: Atomic<u32>,
    in_use: Atomic<usize>,
    refused: Atomic<usize>,
    #[pin]
    free: SpinLock<Free>,
}

/// Makes empty places.
fn places<T, A: Allocator>(count: usize) -> Result<Vec<SetOnce<T>, A>> {
    let mut places = Vec::with_capacity(count, GFP_KERNEL)?;
    for _ in 0..count {
        places.push(SetOnce::new(), GFP_KERNEL)?;
    }
    Ok(places)
}

// A static: the initialiser is compiled into each crate that makes a pool, and lockdep wants one key
// to have one name, at one address.
static LOCK_NAME: &CStr = c"PagePool::free";

impl PagePool {
    /// Creates a pool of up to `limit` pages, which can be [changed](Self::set_limit) up to `max`; it
    /// has none yet.
    ///
    /// Context: may sleep; what is returned only initialises, and gets no memory.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `limit` is more than `max`; `ENOMEM`.
    pub fn new<C: Level>(
        _cx: &mut MaySleep<C>,
        limit: u32,
        max: u32,
    ) -> Result<impl PinInit<Self>> {
        if limit > max {
            return Err(EINVAL);
        }
        let shelves = places((max as usize).div_ceil(CHUNK * CHUNK))?;
        Ok(pin_init!(Self {
            shelves,
            max,
            limit: Atomic::new(limit),
            in_use: Atomic::new(0),
            refused: Atomic::new(0),
            free <- SpinLock::new(
                Free {
                    used: KVVec::new(),
                    fresh: 0,
                },
                LOCK_NAME,
                static_lock_class!(),
            ),
        }))
    }

    /// Sets how many pages there can be. Those that are in use beyond that stay until they are freed.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL` if that is more than the pool was made for; nothing has changed then.
    pub fn set_limit(&self, limit: u32) -> Result {
        if limit > self.max {
            return Err(EINVAL);
        }
        self.limit.store(limit, Relaxed);
        Ok(())
    }

    /// Returns the number of pages in use.
    ///
    /// Context: any.
    pub fn in_use(&self) -> usize {
        self.in_use.load(Relaxed)
    }

    /// Returns how often a page was refused because it was borrowed already, or not there.
    ///
    /// Context: any.
    pub fn refused(&self) -> usize {
        self.refused.load(Relaxed)
    }

    fn slot(&self, id: u32) -> Option<&Slot> {
        let id = id as usize;
        let shelf = self.shelves.get(id / CHUNK / CHUNK)?.as_ref()?;
        let chunk = shelf.get(id / CHUNK % CHUNK)?.as_ref()?;
        chunk.get(id % CHUNK)
    }

    /// Returns the place for the chunk of a number, of which the shelf exists.
    fn place(&self, id: u32) -> Option<&SetOnce<Chunk>> {
        let id = id as usize;
        let shelf = self.shelves.get(id / CHUNK / CHUNK)?.as_ref()?;
        shelf.get(id / CHUNK % CHUNK)
    }

    /// Takes a number that is free, of which the slot exists, and counts it.
    fn take_id(&self) -> Result<u32> {
        let id = self.take_uncounted()?;
        self.in_use.fetch_add(1, Relaxed);
        Ok(id)
    }

    fn take_uncounted(&self) -> Result<u32> {
        let mut spare: Option<(Chunk, KVVec<u32>)> = None;
        loop {
            let mut free = self.free.lock();
            let taken = free.fresh as usize - free.used.len();
            if taken >= self.limit.load(Relaxed) as usize {
                return Err(ENOSPC);
            }
            if let Some(id) = free.used.pop() {
                return Ok(id);
            }
            let id = free.fresh;
            let shelf = self
                .shelves
                .get(id as usize / CHUNK / CHUNK)
                .ok_or(EINVAL)?;
            let Some(chunk) = self.place(id) else {
                drop(free);
                // Whoever is first. What the other one has made is dropped.
                shelf.populate(places(CHUNK)?);
                continue;
            };
            if chunk.as_ref().is_some() {
                free.fresh += 1;
                return Ok(id);
            }
            let room = id as usize + CHUNK;
            let has_room = free.used.capacity() >= room;
            match spare.take() {
                Some((slots, used)) if has_room || used.capacity() >= room => {
                    chunk.populate(slots);
                    free.fresh += 1;
                    if has_room {
                        return Ok(id);
                    }
                    // It was found empty above, so there is nothing in it to be moved.
                    let old = mem::replace(&mut free.used, used);
                    drop(free);
                    drop(old);
                    return Ok(id);
                }
                // Nothing, or something that was allocated for an earlier chunk.
                unfit => {
                    drop(free);
                    drop(unfit);
                    // Room for all the numbers that there will be slots for, so that giving one
                    // back cannot fail.
                    let used = if has_room {
                        KVVec::new()
                    } else {
                        KVVec::with_capacity(room.next_power_of_two(), GFP_KERNEL)?
                    };
                    spare = Some((Self::new_chunk()?, used));
                }
            }
        }
    }

    fn give_back(&self, id: u32) {
        // There is room, see `take_id()`. If there were none, the number would be lost, and with it
        // one page of the limit.
        let _ = self.free.lock().used.push_within_capacity(id);
    }

    fn new_chunk() -> Result<Chunk> {
        let mut slots = KVec::with_capacity(CHUNK, GFP_KERNEL)?;
        for _ in 0..CHUNK {
            // INVARIANT: Nobody has borrowed it.
            let slot = Slot {
                state: Atomic::new(FREE),
                stamp: Atomic::new(0),
                page: UnsafeCell::new(None),
            };
            slots.push(slot, GFP_KERNEL)?;
        }
        Ok(slots)
    }

    /// Allocates a page of zeroes, borrowed by the caller. Its number is [`PageRef::id`]; its stamp is that of
    /// the page that had the number before, or 0.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or `ENOSPC` if the limit is reached.
    pub fn alloc<C: Level>(&self, _cx: &mut MaySleep<C>) -> Result<PageRef<'_>> {
        let page = KBox::init(pin_init::init_zeroed(), GFP_KERNEL)?;
        let id = self.take_id()?;
        let slot = self.slot(id).ok_or(EINVAL)?;
        // INVARIANT: The number was free, so that nobody but us can change the state.
        slot.state.store(BORROWED, Relaxed);
        // SAFETY: We are the borrower.
        unsafe { *slot.page.get() = Some(page) };
        Ok(PageRef {
            pool: self,
            slot,
            id,
        })
    }

    /// Borrows the page with that number.
    ///
    /// Context: any, hard interrupts included.
    ///
    /// # Errors
    ///
    /// `EBUSY` if it is borrowed already, or if there is none: the caller's locking is broken.
    pub fn borrow(&self, id: u32) -> Result<PageRef<'_>> {
        if let Some(slot) = self.slot(id) {
            // INVARIANT: On success, we are the borrower.
            if slot.state.cmpxchg(IDLE, BORROWED, Acquire).is_ok() {
                // A, pairs with B
                return Ok(PageRef {
                    pool: self,
                    slot,
                    id,
                });
            }
        }
        self.refused.fetch_add(1, Relaxed);
        Err(EBUSY)
    }

    /// Returns what was [stamped](PageRef::set_stamp) on the page with that number, which may be borrowed, or
    /// free by now; [`None`] if there never was one.
    ///
    /// Context: any, hard interrupts included.
    #[inline]
    pub fn stamp(&self, id: u32) -> Option<u64> {
        Some(self.slot(id)?.stamp.load(Acquire)) // C, pairs with D, E
    }

    /// Changes what is stamped on the page with that number from `old` to `new`, unless it is not `old`; returns
    /// whether it was. The page may be borrowed, or free: use stamps that do not come back.
    ///
    /// What was done before this was done before for whoever finds `new`.
    ///
    /// Context: any, hard interrupts included.
    pub fn restamp(&self, id: u32, old: u64, new: u64) -> bool {
        self.slot(id)
            .is_some_and(|slot| slot.stamp.cmpxchg(old, new, Full).is_ok()) // E, pairs with C
    }

    /// Frees the page with that number.
    ///
    /// Context: any but hard interrupts; it takes a spinlock.
    ///
    /// # Errors
    ///
    /// As [`PagePool::borrow`].
    pub fn free(&self, id: u32) -> Result {
        self.borrow(id).map(PageRef::free)
    }
}

/// A page, borrowed.
///
/// Dropping it gives the page back; `mem::forget` leaks the page until the pool is dropped. Nobody borrows
/// it meanwhile, not even the borrower itself: [`PagePool::borrow`] refuses.
///
/// # Invariants
///
/// This is the borrower of `slot`, in which there is a page.
#[must_use = "dropping it gives the page back"]
pub struct PageRef<'a> {
    pool: &'a PagePool,
    slot: &'a Slot,
    id: u32,
}

impl PageRef<'_> {
    /// Returns the number under which the page can be borrowed.
    ///
    /// Context: any.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Returns what was [stamped](Self::set_stamp) on the page.
    ///
    /// Context: any.
    pub fn stamp(&self) -> u64 {
        self.slot.stamp.load(Acquire) // C, pairs with D, E
    }

    /// Stamps a number on the page: a checksum, for example. It stays there until it is changed, also when
    /// the page is freed and another one has its number.
    ///
    /// Context: any.
    pub fn set_stamp(&mut self, stamp: u64) {
        self.slot.stamp.store(stamp, Release); // D, pairs with C
    }

    /// Returns the bytes.
    ///
    /// Context: any.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: We are the borrower by the type invariants, and `&self` excludes `&mut self`.
        let page = unsafe { &*self.slot.page.get() };
        page.as_deref().map_or(&[], |page| page.as_slice())
    }

    /// Returns the bytes, to be changed.
    ///
    /// Context: any.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: We are the borrower by the type invariants, and `&mut self` is exclusive.
        let page = unsafe { &mut *self.slot.page.get() };
        page.as_deref_mut()
            .map_or(&mut [], |page| page.as_mut_slice())
    }

    /// Frees the page. Its number will be given to another one.
    ///
    /// Context: as [`PagePool::free`].
    pub fn free(self) {
        // SAFETY: We are the borrower by the type invariants.
        let page = unsafe { (*self.slot.page.get()).take() };
        self.slot.state.store(FREE, Relaxed);
        // From here on the slot is not ours; the lock orders this before the next `alloc()`.
        self.pool.give_back(self.id);
        self.pool.in_use.fetch_sub(1, Relaxed);
        drop(page);
        // There is nothing left to be given back.
        mem::forget(self);
    }
}

impl Drop for PageRef<'_> {
    fn drop(&mut self) {
        // We do not touch the page after this.
        self.slot.state.store(IDLE, Release); // B, pairs with A
    }
}
