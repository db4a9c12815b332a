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
//! As long as nobody waits for a node, it is not taken for its uses: see `word.rs`.
//!
//! # What identifies a node here
//!
//! A [`Ticket`]: a slot, and the generation of the node that the slot was given to. Slots are used
//! again, generations are not. Whoever comes with an old ticket finds [`Refused::Absent`].

use super::{
    key::Key,
    slots::{
        Chunk,
        Leak,
        Refused,
        Slot,
        Slots,
        Tally,
        Ticket,
        CHUNK, //
    },
    word::{
        self,
        Begun,
        Part, //
    },
};
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

/// What the count lock protects.
#[pin_data]
struct State<K: Key, L: Level> {
    #[pin]
    counts: Event<Slots<K>, Any, L>,
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

impl Part {
    /// How it begins, in a trace.
    #[inline]
    fn begins(self) -> Step {
        match self {
            Self::Pin => Step::Pins,
            Self::Sole => Step::Owns,
        }
    }

    /// How it ends.
    #[inline]
    fn ends(self) -> Step {
        match self {
            Self::Pin => Step::Unpins,
            Self::Sole => Step::GivesBack,
        }
    }
}

impl<K: Key, L: Level> Uses<K, L> {
    pub(super) fn new(
        name: &'static CStr,
        lock: Pin<&'static LockClassKey>,
        event: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            state <- SpinLockIrq::new(
                pin_init!(State {
                    counts <- Event::of_kind(Kind::Pin, Slots::new(), name, event),
                }),
                name,
                lock,
            ),
        })
    }

    /// Changes the counts, and serves who waits for that.
    fn update<R>(&self, change: impl FnOnce(&mut Slots<K>) -> R) -> R {
        self.state.lock().as_mut().project().counts.update(change)
    }

    /// Tells whoever asks of a use that has begun.
    #[inline]
    fn tell_begun(&self, part: Part, at: &'static Location<'static>) {
        if registry::is_on() || trace::pin_is_on() {
            self.tell(|object| begins(object, part.begins(), at));
        }
    }

    /// Tells whoever asks of a use that ends: before anybody is woken, who would owe for the same object.
    #[inline]
    fn tell_ends(&self, part: Part) {
        if registry::is_on() || trace::pin_is_on() {
            self.tell(|object| {
                registry::paid(object);
                trace::pin(object, part.ends(), 1);
            });
        }
    }

    #[cold]
    #[inline(never)]
    fn tell(&self, say: impl FnOnce(Object)) {
        let object = self.state.lock().counts.object();
        say(object);
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
            match self.update(|counts| counts.add(key, at).ok_or(counts.chunks())) {
                Ok(ticket) => {
                    self.tell_begun(Part::Pin, at);
                    return Ok(ticket);
                }
                Err(chunks) => self.grow(chunks, flags)?,
            }
        }
    }

    /// Makes slots, beside `chunks` chunks of them.
    fn grow(&self, chunks: usize, flags: Flags) -> Result {
        let mut chunk = Chunk {
            slots: KVec::with_capacity(CHUNK, flags)?,
            tallies: KVec::with_capacity(CHUNK, flags)?,
        };
        for _ in 0..CHUNK {
            chunk.slots.push(Slot::new(), flags)?;
            chunk.tallies.push(Tally::new(), flags)?;
        }
        let room = KVec::with_capacity((chunks + 1).next_power_of_two().max(4), flags)?;
        let unused = self.update(|counts| counts.grow(chunk, room));
        drop(unused);
        Ok(())
    }

    /// Begins a use of a node that is in the table, whose lock is held: pins it, or takes it over.
    ///
    /// # Errors
    ///
    /// [`Refused::Busy`] if somebody owns it exclusively, or, for an owner, has pinned it.
    #[inline]
    pub(super) fn begin(
        &self,
        ticket: Ticket,
        part: Part,
        at: &'static Location<'static>,
    ) -> Result<(), Refused> {
        match word::begin(ticket.word(), part) {
            Begun::Yes => ticket.begun(at),
            Begun::Busy => return Err(Refused::Busy),
            Begun::Awaited => self.begin_after(ticket, part, at)?,
        }
        self.tell_begun(part, at);
        Ok(())
    }

    /// Begins a use of a node for which somebody waits: after them.
    #[cold]
    #[inline(never)]
    fn begin_after(
        &self,
        ticket: Ticket,
        part: Part,
        at: &'static Location<'static>,
    ) -> Result<(), Refused> {
        let mut state = self.state.lock();
        let mut counts = state.as_mut().project().counts;
        loop {
            // It may be idle by now, and who has seen to that may not have said so yet.
            counts.as_mut().update(|counts| counts.settle(ticket));
            let begun = counts
                .as_mut()
                .update(|counts| counts.begin(ticket, part, at));
            if let Some(begun) = begun {
                return begun;
            }
            // Once it is idle it stays so.
        }
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
        let mut held = Held::<_, _, C, L>::new(self.state.lock(), cx);
        let counts = held.as_mut().project().counts;
        let counted = counts.update(|counts| counts.begin_wait(ticket));
        let owned = held
            .on(|state| &state.counts)
            .when(
                move |counts| counts.is_idle(ticket),
                move |counts| {
                    let begun = counts.begin(ticket, Part::Sole, at);
                    begun.unwrap_or(Err(Refused::Busy))
                },
            )
            .wait(mode);
        if counted {
            self.update(|counts| counts.end_wait(ticket));
        }
        let owned = owned?;
        if owned.is_ok() {
            self.tell_begun(Part::Sole, at);
        }
        Ok(owned)
    }

    /// A pin, or an exclusive owner, has ended; serves whom that makes possible.
    ///
    /// Context: any.
    #[inline]
    pub(super) fn end(&self, ticket: Ticket, part: Part) {
        self.tell_ends(part);
        if word::end(ticket.word(), part) {
            self.serve(ticket);
        }
    }

    /// Nobody uses the node, for which somebody waits.
    #[cold]
    #[inline(never)]
    fn serve(&self, ticket: Ticket) {
        self.update(|counts| counts.settle(ticket));
    }

    /// The node is gone, and with it its pin or its owner.
    pub(super) fn remove(&self, ticket: Ticket, part: Part) {
        self.tell_ends(part);
        self.update(|counts| counts.remove(ticket, part));
    }

    /// Returns how many pins a node has that is in the table, whose lock is held; [`None`] if it is owned exclusively.
    #[inline]
    pub(super) fn pins(&self, ticket: Ticket) -> Option<usize> {
        // CAST: So many are in memory.
        word::pins(ticket.word()).map(|pins| pins as usize)
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
