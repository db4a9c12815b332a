// SPDX-License-Identifier: GPL-2.0

//! The counts of a pool: which node is pinned, which is owned, and who waits for that to end.
//!
//! # Why they have a lock of their own
//!
//! A pin is dropped wherever its owner happens to be, and a destructor cannot say what else is held.
//! Were the counts under the pool's lock, under which the user looks nodes up, then two tasks could
//! drop each other's pins:
//!
//! ```text
//!   task 1                          task 2
//!   1 locks pool B
//!                                   2 locks pool A
//!   3 drops a pin of A: spins
//!                                   4 drops a pin of B: spins
//! ```
//!
//! The *count lock* is a leaf. It is irq-safe, and while it is held nothing of the user's runs and no
//! lock is taken, except those by which a task is woken. So taking it cannot be part of a cycle: a pin
//! may be dropped under any lock and in any context, also in an interrupt. The pool's lock may be held
//! around it, never the other way round.
//!
//! # What identifies a node here
//!
//! A [`Ticket`]: a slot, and the generation of the node that the slot was given to. Slots are used
//! again, generations are not. Whoever comes with an old ticket finds [`Refused::Absent`].

use super::key::Key;
use crate::{
    context::MaySleep,
    event::{
        Any,
        Event,
        ModeAt, //
    },
    held::Held,
    level::{
        After,
        Level, //
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
use core::panic::Location;
use kernel::{
    alloc::Flags,
    prelude::*,
    sync::{
        LockClassKey,
        SpinLockIrq, //
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

/// What identifies a node: a slot, and which of the nodes that had the slot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    slot: usize,
    generation: u64,
}

impl Ticket {
    #[inline]
    pub(super) fn generation(self) -> u64 {
        self.generation
    }
}

/// The uses of one node.
struct Count<K> {
    key: K,
    generation: u64,
    pins: usize,
    exclusive: bool,
    at: &'static Location<'static>,
}

/// A slot: the count of a node, or the next slot that is free.
enum Slot<K> {
    Free { next: Option<usize> },
    Used(Count<K>),
}

/// How many slots are allocated together.
const CHUNK: usize = 64;

type Chunk<K> = KVec<Slot<K>>;

/// The slots.
///
/// # Invariants
///
/// `free` is the head of a list of the slots that are free, and `slots` how many slots there are.
pub(super) struct Counts<K> {
    chunks: KVec<Chunk<K>>,
    free: Option<usize>,
    slots: usize,
    generations: u64,
}

impl<K: Key> Counts<K> {
    fn slot(&mut self, slot: usize) -> Option<&mut Slot<K>> {
        self.chunks.get_mut(slot / CHUNK)?.get_mut(slot % CHUNK)
    }

    fn get(&self, ticket: Ticket) -> Option<&Count<K>> {
        match self
            .chunks
            .get(ticket.slot / CHUNK)?
            .get(ticket.slot % CHUNK)?
        {
            Slot::Used(count) if count.generation == ticket.generation => Some(count),
            _ => None,
        }
    }

    fn get_mut(&mut self, ticket: Ticket) -> Option<&mut Count<K>> {
        match self.slot(ticket.slot)? {
            Slot::Used(count) if count.generation == ticket.generation => Some(count),
            _ => None,
        }
    }

    /// Gives a slot to a new node, which has one pin. [`None`] if no slot is free.
    fn add(&mut self, key: K, at: &'static Location<'static>) -> Option<Ticket> {
        let slot = self.free?;
        let generation = self.generations + 1;
        let place = self.slot(slot)?;
        let Slot::Free { next } = *place else {
            return None;
        };
        *place = Slot::Used(Count {
            key,
            generation,
            pins: 1,
            exclusive: false,
            at,
        });
        self.generations = generation;
        // INVARIANT: The slot was the head, and is not free any more.
        self.free = next;
        Some(Ticket { slot, generation })
    }

    /// The node is gone. Who waits for it finds that it is absent.
    fn remove(&mut self, ticket: Ticket) {
        if self.get(ticket).is_none() {
            return;
        }
        let next = self.free;
        if let Some(place) = self.slot(ticket.slot) {
            // INVARIANT: The slot is free, and becomes the head.
            *place = Slot::Free { next };
            self.free = Some(ticket.slot);
        }
    }

    fn pin(&mut self, ticket: Ticket, at: &'static Location<'static>) -> Result<(), Refused> {
        let count = self.get_mut(ticket).ok_or(Refused::Absent)?;
        if count.exclusive {
            return Err(Refused::Busy);
        }
        count.pins += 1;
        count.at = at;
        Ok(())
    }

    fn own(&mut self, ticket: Ticket, at: &'static Location<'static>) -> Result<(), Refused> {
        let count = self.get_mut(ticket).ok_or(Refused::Absent)?;
        if count.exclusive || count.pins > 0 {
            return Err(Refused::Busy);
        }
        count.exclusive = true;
        count.at = at;
        Ok(())
    }

    /// Returns whether somebody uses the node. Nobody uses one that is gone.
    fn is_busy(&self, ticket: Ticket) -> bool {
        self.get(ticket)
            .is_some_and(|count| count.exclusive || count.pins > 0)
    }

    /// One of the uses has ended.
    fn end(&mut self, ticket: Ticket, step: Step) {
        if let Some(count) = self.get_mut(ticket) {
            match step {
                Step::GivesBack => count.exclusive = false,
                _ => count.pins = count.pins.saturating_sub(1),
            }
        }
    }

    /// Returns the first leak from `slot` on, and its slot; [`None`] if there is none.
    fn leak(&self, slot: usize) -> Option<(usize, Leak<K>)> {
        (slot..self.slots).find_map(|slot| {
            match self.chunks.get(slot / CHUNK)?.get(slot % CHUNK)? {
                Slot::Used(count) if count.exclusive || count.pins > 0 => Some((
                    slot,
                    Leak {
                        key: count.key,
                        generation: count.generation,
                        pins: count.pins,
                        exclusive: count.exclusive,
                        at: count.at,
                    },
                )),
                _ => None,
            }
        })
    }

    /// Adds the slots of a chunk. Returns what is not needed: to be dropped without the lock.
    fn grow(
        &mut self,
        mut chunk: Chunk<K>,
        mut room: KVec<Chunk<K>>,
    ) -> (Option<Chunk<K>>, KVec<Chunk<K>>) {
        if self.free.is_some() || chunk.len() != CHUNK {
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
        for (at, slot) in chunk.iter_mut().enumerate() {
            let next = (at + 1 < CHUNK).then_some(first + at + 1);
            *slot = Slot::Free { next };
        }
        if self.chunks.push_within_capacity(chunk).is_ok() {
            // INVARIANT: No slot was free before.
            self.free = Some(first);
            self.slots = first + CHUNK;
        }
        (None, room)
    }
}

/// What the count lock protects.
#[pin_data]
struct State<K: Key, L: Level> {
    #[pin]
    counts: Event<Counts<K>, Any, L>,
}

/// The counts of a pool, and their lock.
#[pin_data]
pub(super) struct Uses<K: Key, L: Level> {
    #[pin]
    state: SpinLockIrq<State<K, L>>,
}

/// Tells the registry of a pin, or an owner, more; `at` is where it was made.
#[inline(always)]
fn begins(object: Object, step: Step, at: &'static Location<'static>) {
    registry::owe_since(Kind::Pin, object, at);
    trace::pin(object, step, 1);
}

impl<K: Key, L: Level> Uses<K, L> {
    pub(super) fn new(
        name: &'static CStr,
        lock: Pin<&'static LockClassKey>,
        event: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        // INVARIANT: There are no slots.
        let counts = Counts {
            chunks: KVec::new(),
            free: None,
            slots: 0,
            generations: 0,
        };
        pin_init!(Self {
            state <- SpinLockIrq::new(
                pin_init!(State {
                    counts <- Event::of_kind(Kind::Pin, counts, name, event),
                }),
                name,
                lock,
            ),
        })
    }

    /// Changes the counts, and serves who waits for that.
    fn update<R>(&self, change: impl FnOnce(&mut Counts<K>) -> R) -> R {
        self.state.lock().as_mut().project().counts.update(change)
    }

    /// Changes the counts for a use that begins if that succeeds.
    fn begin<R, E>(
        &self,
        step: Step,
        at: &'static Location<'static>,
        change: impl FnOnce(&mut Counts<K>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut state = self.state.lock();
        let object = state.counts.object();
        let result = state.as_mut().project().counts.update(change)?;
        begins(object, step, at);
        Ok(result)
    }

    /// Changes the counts for a use that ends.
    fn end_with<R>(&self, step: Step, change: impl FnOnce(&mut Counts<K>) -> R) -> R {
        let mut state = self.state.lock();
        let object = state.counts.object();
        // Before anybody is woken, who would owe for the same object.
        registry::paid(object);
        trace::pin(object, step, 1);
        state.as_mut().project().counts.update(change)
    }

    /// Gives a slot to a new node, which has one pin.
    ///
    /// Context: as `flags` say; the pool's lock is not held.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn add(
        &self,
        key: K,
        at: &'static Location<'static>,
        flags: Flags,
    ) -> Result<Ticket> {
        loop {
            match self.begin(Step::Pins, at, |counts| {
                counts.add(key, at).ok_or(counts.chunks.len())
            }) {
                Ok(ticket) => return Ok(ticket),
                Err(chunks) => self.grow(chunks, flags)?,
            }
        }
    }

    /// Makes slots, beside `chunks` chunks of them.
    fn grow(&self, chunks: usize, flags: Flags) -> Result {
        let mut chunk = KVec::with_capacity(CHUNK, flags)?;
        for _ in 0..CHUNK {
            chunk.push(Slot::Free { next: None }, flags)?;
        }
        let room = KVec::with_capacity((chunks + 1).next_power_of_two().max(4), flags)?;
        let unused = self.update(|counts| counts.grow(chunk, room));
        drop(unused);
        Ok(())
    }

    /// Pins a node that nobody owns exclusively.
    pub(super) fn pin(
        &self,
        ticket: Ticket,
        at: &'static Location<'static>,
    ) -> Result<(), Refused> {
        self.begin(Step::Pins, at, |counts| counts.pin(ticket, at))
    }

    /// Takes a node over that nobody has.
    pub(super) fn own(
        &self,
        ticket: Ticket,
        at: &'static Location<'static>,
    ) -> Result<(), Refused> {
        self.begin(Step::Owns, at, |counts| counts.own(ticket, at))
    }

    /// Waits until nobody has the node, and takes it over.
    ///
    /// The pool's lock is not held.
    #[track_caller]
    pub(super) fn wait<C: Level, W: ModeAt<C>>(
        &self,
        cx: &mut MaySleep<C>,
        mode: W,
        ticket: Ticket,
        at: &'static Location<'static>,
    ) -> Result<Result<(), Refused>, W::Error>
    where
        L: After<C>,
    {
        let held = Held::<_, _, C, L>::new(self.state.lock(), cx);
        let owned = held
            .on(|state| &state.counts)
            .when(
                move |counts| !counts.is_busy(ticket),
                move |counts| counts.own(ticket, at),
            )
            .wait(mode)?;
        if owned.is_ok() {
            begins(self.state.lock().counts.object(), Step::Owns, at);
        }
        Ok(owned)
    }

    /// A pin, or an exclusive owner, has ended; serves whom that makes possible.
    ///
    /// Context: any.
    pub(super) fn end(&self, ticket: Ticket, step: Step) {
        self.end_with(step, |counts| counts.end(ticket, step));
    }

    /// The node is gone, and with it its pin or its owner.
    pub(super) fn remove(&self, ticket: Ticket, step: Step) {
        self.end_with(step, |counts| counts.remove(ticket));
    }

    /// Returns how many pins a node has; [`None`] if it is owned exclusively, or gone.
    pub(super) fn pins(&self, ticket: Ticket) -> Option<usize> {
        let state = self.state.lock();
        let count = state.counts.get(ticket)?;
        (!count.exclusive).then_some(count.pins)
    }

    /// Returns how many tasks wait.
    pub(super) fn waiters(&self) -> usize {
        self.state.lock().counts.waiters()
    }

    /// Calls `report` for each node that is in use, with no lock held.
    pub(super) fn leaks(&self, mut report: impl FnMut(Leak<K>)) {
        let mut next = 0;
        loop {
            let leak = self.state.lock().counts.leak(next);
            let Some((slot, leak)) = leak else { return };
            report(leak);
            next = slot + 1;
        }
    }
}
