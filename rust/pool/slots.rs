// SPDX-License-Identifier: GPL-2.0

//! The slots of a pool: for each node a word that says who uses it, and what the count lock protects.

use super::{
    key::Key,
    word::{
        self,
        Begun,
        Part, //
    }, //
};
use core::{
    panic::Location,
    ptr::NonNull, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

/// Why a node cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No node has this key.
    Absent,
    /// The node is pinned, or somebody owns it exclusively.
    Busy,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Absent => ENOENT,
            Refused::Busy => EBUSY,
        }
    }
}

/// A pin, or an exclusive owner, that nobody has dropped: see [`Pool::leaks`](super::Pool::leaks).
#[derive(Clone, Copy, Debug)]
pub struct Leak<K> {
    /// The node's key.
    pub key: K,
    /// The node's generation.
    pub generation: u64,
    /// How many pins it has.
    pub pins: usize,
    /// Whether somebody owns it exclusively.
    pub exclusive: bool,
    /// Where the last pin was made, or the owner.
    pub at: &'static Location<'static>,
}

/// What is known of a node without the count lock.
pub(super) struct Tally {
    /// See [`word`].
    word: Atomic<u64>,
    /// Where the last use began.
    at: Atomic<*const Location<'static>>,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            word: Atomic::new(0),
            at: Atomic::new(Location::caller()),
        }
    }
}

/// What identifies a node: a slot, and which of the nodes that had the slot.
///
/// # Invariants
///
/// `tally` is that of a slot, which stays until its pool is gone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    slot: usize,
    generation: u64,
    tally: NonNull<Tally>,
}

// SAFETY: What it points to is atomic.
unsafe impl Send for Ticket {}

// SAFETY: As above.
unsafe impl Sync for Ticket {}

impl Ticket {
    #[inline]
    pub(super) fn generation(self) -> u64 {
        self.generation
    }

    /// Returns the word.
    ///
    /// A ticket is in a pool, or has borrowed one. A word of a node that is gone is that of the next one which has
    /// the slot, so it is changed for those nodes only that are in use, or in the table whose lock is held.
    #[inline]
    pub(super) fn word(&self) -> &Atomic<u64> {
        // SAFETY: By the type invariants; the pool is there.
        unsafe { &(*self.tally.as_ptr()).word }
    }

    /// Notes where a use began.
    #[inline]
    pub(super) fn begun(&self, at: &'static Location<'static>) {
        // SAFETY: As above.
        unsafe { (*self.tally.as_ptr()).at.store(at, Relaxed) };
    }
}

/// What a slot is for.
enum State<K> {
    Free {
        next: Option<usize>,
    },
    Used {
        key: K,
        generation: u64,
        /// Nobody uses the node. It is right while somebody waits for that.
        idle: bool,
    },
}

/// A slot, as the count lock protects it.
pub(super) struct Slot<K> {
    state: State<K>,
    /// How many tasks wait; [`word::set_awaited`] has been told if there are any.
    waiting: usize,
}

impl<K> Slot<K> {
    pub(super) fn new() -> Self {
        Self {
            state: State::Free { next: None },
            waiting: 0,
        }
    }
}

/// How many slots are allocated together.
pub(super) const CHUNK: usize = 64;

/// Slots, and the tally of each in an allocation of their own: nobody has that exclusively.
pub(super) struct Chunk<K> {
    pub(super) slots: KVec<Slot<K>>,
    pub(super) tallies: KVec<Tally>,
}

/// The slots.
///
/// # Invariants
///
/// `free` is the head of a list of the slots that are free, and `slots` how many slots there are. A chunk stays.
pub(super) struct Slots<K> {
    chunks: KVec<Chunk<K>>,
    free: Option<usize>,
    slots: usize,
    generations: u64,
}

impl<K: Key> Slots<K> {
    pub(super) fn new() -> Self {
        // INVARIANT: There are no slots.
        Self {
            chunks: KVec::new(),
            free: None,
            slots: 0,
            generations: 0,
        }
    }

    /// Returns how many chunks there are.
    pub(super) fn chunks(&self) -> usize {
        self.chunks.len()
    }

    fn slot(&mut self, slot: usize) -> Option<&mut Slot<K>> {
        self.chunks
            .get_mut(slot / CHUNK)?
            .slots
            .get_mut(slot % CHUNK)
    }

    fn tally(&self, slot: usize) -> Option<&Tally> {
        self.chunks.get(slot / CHUNK)?.tallies.get(slot % CHUNK)
    }

    /// Returns whether the slot is still that of the node.
    fn has(&self, ticket: Ticket) -> bool {
        self.chunks
            .get(ticket.slot / CHUNK)
            .and_then(|chunk| chunk.slots.get(ticket.slot % CHUNK))
            .is_some_and(|slot| match slot.state {
                State::Used { generation, .. } => generation == ticket.generation,
                State::Free { .. } => false,
            })
    }

    fn set_idle(&mut self, ticket: Ticket, now: bool) {
        if let Some(Slot {
            state: State::Used {
                generation, idle, ..
            },
            ..
        }) = self.slot(ticket.slot)
        {
            if *generation == ticket.generation {
                *idle = now;
            }
        }
    }

    /// Gives a slot to a new node, which has one pin. [`None`] if no slot is free.
    pub(super) fn add(&mut self, key: K, at: &'static Location<'static>) -> Option<Ticket> {
        let slot = self.free?;
        let generation = self.generations + 1;
        let tally = NonNull::from(self.tally(slot)?);
        let place = self.slot(slot)?;
        let State::Free { next } = place.state else {
            return None;
        };
        place.state = State::Used {
            key,
            generation,
            idle: false,
        };
        self.generations = generation;
        // INVARIANT: The slot was the head, and is not free any more.
        self.free = next;
        // INVARIANT: It is that of the slot, whose chunk stays.
        let ticket = Ticket {
            slot,
            generation,
            tally,
        };
        // Nobody uses it: the node that had the slot was not in use when it went.
        word::begin_locked(ticket.word(), Part::Pin, true);
        ticket.begun(at);
        Some(ticket)
    }

    /// The node is gone, with its last use. Who waits for it finds that it is absent.
    pub(super) fn remove(&mut self, ticket: Ticket, part: Part) {
        if !self.has(ticket) {
            return;
        }
        word::end(ticket.word(), part);
        let next = self.free;
        if let Some(place) = self.slot(ticket.slot) {
            // INVARIANT: The slot is free, and becomes the head.
            place.state = State::Free { next };
            self.free = Some(ticket.slot);
        }
    }

    /// A task is about to wait until nobody uses the node. Returns whether it is there.
    pub(super) fn begin_wait(&mut self, ticket: Ticket) -> bool {
        if !self.has(ticket) {
            return false;
        }
        if let Some(slot) = self.slot(ticket.slot) {
            slot.waiting += 1;
            if slot.waiting == 1 {
                word::set_awaited(ticket.word(), true);
            }
        }
        self.settle(ticket);
        true
    }

    /// Such a task does not wait any more. Others may have the slot by now.
    pub(super) fn end_wait(&mut self, ticket: Ticket) {
        if let Some(slot) = self.slot(ticket.slot) {
            slot.waiting -= 1;
            if slot.waiting == 0 {
                word::set_awaited(ticket.word(), false);
            }
        }
    }

    /// Looks whether anybody uses the node: the event has to serve who waits for that.
    pub(super) fn settle(&mut self, ticket: Ticket) {
        self.set_idle(ticket, word::is_idle(ticket.word()));
    }

    /// Returns whether nobody uses the node. Nobody uses one that is gone.
    pub(super) fn is_idle(&self, ticket: Ticket) -> bool {
        let slot = self
            .chunks
            .get(ticket.slot / CHUNK)
            .and_then(|chunk| chunk.slots.get(ticket.slot % CHUNK));
        !matches!(slot, Some(Slot { state: State::Used { generation, idle: false, .. }, .. })
            if *generation == ticket.generation)
    }

    /// Begins a use, if nobody excludes it. Those who wait were served if it was idle when it was settled; [`None`] if
    /// it was not, and is now.
    pub(super) fn begin(
        &mut self,
        ticket: Ticket,
        part: Part,
        at: &'static Location<'static>,
    ) -> Option<Result<(), Refused>> {
        if !self.has(ticket) {
            return Some(Err(Refused::Absent));
        }
        match word::begin_locked(ticket.word(), part, self.is_idle(ticket)) {
            Begun::Awaited => None,
            Begun::Busy => Some(Err(Refused::Busy)),
            Begun::Yes => {
                ticket.begun(at);
                self.set_idle(ticket, false);
                Some(Ok(()))
            }
        }
    }

    /// Returns the first leak from `slot` on, and its slot; [`None`] if there is none.
    pub(super) fn leak(&self, slot: usize) -> Option<(usize, Leak<K>)> {
        (slot..self.slots).find_map(|slot| {
            let tally = self.tally(slot)?;
            let place = self.chunks.get(slot / CHUNK)?.slots.get(slot % CHUNK)?;
            let State::Used {
                key, generation, ..
            } = place.state
            else {
                return None;
            };
            let pins = word::pins(&tally.word);
            if pins == Some(0) {
                return None;
            }
            let leak = Leak {
                key,
                generation,
                // CAST: So many are in memory.
                pins: pins.unwrap_or(0) as usize,
                exclusive: pins.is_none(),
                // SAFETY: Nothing but references was ever stored there.
                at: unsafe { &*tally.at.load(Relaxed) },
            };
            Some((slot, leak))
        })
    }

    /// Adds the slots of a chunk. Returns what is not needed: to be dropped without the lock.
    pub(super) fn grow(
        &mut self,
        mut chunk: Chunk<K>,
        mut room: KVec<Chunk<K>>,
    ) -> (Option<Chunk<K>>, KVec<Chunk<K>>) {
        if self.free.is_some() || chunk.slots.len() != CHUNK || chunk.tallies.len() != CHUNK {
            return (Some(chunk), room);
        }
        if self.chunks.len() == self.chunks.capacity() {
            if room.capacity() <= self.chunks.len() {
                // Somebody else has added some meanwhile.
                return (Some(chunk), room);
            }
            for old in self.chunks.drain_all() {
                // There is room, see above.
                let _ = room.push_within_capacity(old);
            }
            core::mem::swap(&mut self.chunks, &mut room);
        }
        let first = self.slots;
        for (at, slot) in chunk.slots.iter_mut().enumerate() {
            let next = (at + 1 < CHUNK).then_some(first + at + 1);
            slot.state = State::Free { next };
        }
        if self.chunks.push_within_capacity(chunk).is_ok() {
            // INVARIANT: No slot was free before.
            self.free = Some(first);
            self.slots = first + CHUNK;
        }
        (None, room)
    }
}
