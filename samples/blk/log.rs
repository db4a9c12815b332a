// SPDX-License-Identifier: GPL-2.0

//! The write log: a ring of buffers that one thread makes stable in order.
//!
//! Every change of the disk is a record. A record gets a *position* when it enters the buffer that
//! is open; FLUSH waits until every position up to now is stable, FUA until its own is. Three
//! events share the log's lock:
//!
//! ```text
//!   Ring    room in a buffer       writers wait for it, the log thread makes it
//!   Work    a position is wanted   the log thread waits for it, FLUSH and FUA make it
//!   Stable  how far it is stable   FLUSH and FUA wait for it, the log thread makes it
//! ```
//!
//! In C, this is where `xfs` lost wake-ups: a wait for a position or for the shutdown, where one of
//! the two changed under another lock. Here shutdown is *closing the events*: it cannot miss a
//! sleeper, and who comes later is told at once.

use crate::{
    stats::Stats,
    store::Store, //
};
use baton::{
    event::{
        Audit,
        Closed,
        Idle,
        Io, //
    },
    new_event,
    Event,
    Fifo,
    LockIn,
    MaySleep, //
};
use core::mem;
use kernel::{
    new_mutex,
    prelude::*,
    sync::Mutex, //
};

/// Buffers in the ring.
const BUFFERS: usize = 4;

/// Records in a buffer.
const RECORDS: usize = 64;

/// A change of the disk.
#[derive(Clone, Copy)]
pub(crate) struct Record {
    /// The first byte that changed.
    pub(crate) start: u64,
    /// How many of them.
    pub(crate) bytes: u64,
}

/// A buffer of records with consecutive positions.
type Buffer = KVec<Record>;

/// The buffers, and the position of the next record.
struct Ring {
    /// Where records enter.
    open: Buffer,
    /// Full buffers, oldest first, that wait for the log thread.
    full: KVec<Buffer>,
    /// Empty buffers.
    free: KVec<Buffer>,
    /// The position that the next record gets.
    next: u64,
}

impl Ring {
    fn new() -> Result<Self> {
        let mut free = KVec::with_capacity(BUFFERS, GFP_KERNEL)?;
        for _ in 1..BUFFERS {
            free.push(Buffer::with_capacity(RECORDS, GFP_KERNEL)?, GFP_KERNEL)?;
        }
        Ok(Self {
            open: Buffer::with_capacity(RECORDS, GFP_KERNEL)?,
            full: KVec::with_capacity(BUFFERS, GFP_KERNEL)?,
            free,
            next: 0,
        })
    }

    /// Whether a record has to wait.
    fn is_full(&self) -> bool {
        self.open.len() == RECORDS && self.free.is_empty()
    }

    /// Enters a record, when there is room. Returns the position after it: the one that has to be
    /// reached for the record to be stable.
    ///
    /// This is what a writer takes: it moves buffers that exist, and allocates nothing.
    fn enter(&mut self, record: Record) -> u64 {
        if self.open.len() == RECORDS {
            if let Some(empty) = self.free.pop() {
                let full = mem::replace(&mut self.open, empty);
                // There is room: the ring was made with that capacity.
                let _ = self.full.push_within_capacity(full);
            }
        }
        let _ = self.open.push_within_capacity(record);
        self.next += 1;
        self.next
    }

    /// Takes the oldest buffer with records out of the ring.
    fn take(&mut self) -> Option<Buffer> {
        if !self.full.is_empty() {
            return self.full.remove(0).ok();
        }
        if self.open.is_empty() {
            return None;
        }
        let empty = self.free.pop()?;
        Some(mem::replace(&mut self.open, empty))
    }

    /// Puts an empty buffer back.
    fn give_back(&mut self, buffer: Buffer) {
        // There is room for all of them: the ring was made with that capacity.
        let _ = self.free.push_within_capacity(buffer);
    }
}

/// What the log thread is asked for.
struct Work {
    /// The position that somebody waits for.
    wanted: u64,
    /// The position that has been taken out of the ring.
    taken: u64,
    /// Nothing is made stable while this is set: a test holds what it wants to look at.
    hold: bool,
}

impl Work {
    /// What the log thread waits for.
    fn is_due(&self) -> bool {
        self.wanted > self.taken && !self.hold
    }
}

#[pin_data]
struct State {
    #[pin]
    ring: Event<Ring, Fifo>,
    #[pin]
    work: Event<Work>,
    #[pin]
    stable: Event<u64>,
}

/// The write log of one disk.
#[pin_data]
pub(crate) struct Log {
    #[pin]
    state: Mutex<State>,
}

/// How the log is doing, for the statistics.
pub(crate) struct Summary {
    /// The position of the next record.
    pub(crate) position: u64,
    /// How far the log is stable.
    pub(crate) stable: u64,
    /// Tasks that sleep until there is room.
    pub(crate) room_sleepers: usize,
    /// Tasks that sleep until their position is stable.
    pub(crate) stable_sleepers: usize,
}

impl Log {
    /// Makes an empty log.
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            state <- Self::new_state(Ring::new()?),
        })
    }

    fn new_state(ring: Ring) -> impl PinInit<Mutex<State>> {
        new_mutex!(pin_init!(State {
            ring <- new_event!(ring),
            work <- new_event!(Work {
                wanted: 0,
                taken: 0,
                hold: false,
            }),
            stable <- new_event!(0),
        }))
    }

    /// Enters a record, which may have to wait for room. Returns the position to be reached for it
    /// to be stable.
    pub(crate) fn enter(
        &self,
        record: Record,
        stats: &Stats,
        cx: &mut MaySleep,
    ) -> Result<u64, Closed> {
        let mut held = self.state.lock_in(cx);
        if held.ring.is_full() {
            stats.log_full.inc();
            // Everything that is in the ring, or room would be made for nobody's sake.
            let next = held.ring.next;
            held.as_mut()
                .project()
                .work
                .update(|work| work.wanted = work.wanted.max(next));
        }
        held.on(|state| &state.ring)
            .when(|ring| !ring.is_full(), move |ring| ring.enter(record))
            .wait(Io)
    }

    /// Waits until everything before `position` is stable.
    pub(crate) fn wait_stable(
        &self,
        position: u64,
        stats: &Stats,
        cx: &mut MaySleep,
    ) -> Result<(), Closed> {
        let mut held = self.state.lock_in(cx);
        if *held.stable < position {
            stats.log_waits.inc();
            held.as_mut()
                .project()
                .work
                .update(|work| work.wanted = work.wanted.max(position));
        }
        held.on(|state| &state.stable)
            .until(move |stable| *stable >= position)
            .wait(Io)
    }

    /// Returns the position after everything that was entered so far.
    pub(crate) fn position(&self, cx: &mut MaySleep) -> u64 {
        self.state.lock_in(cx).ring.next
    }

    /// Stops making records stable, or goes on.
    pub(crate) fn hold(&self, hold: bool, cx: &mut MaySleep) {
        self.state
            .lock_in(cx)
            .as_mut()
            .project()
            .work
            .update(|work| work.hold = hold);
    }

    /// Returns whether it was stopped.
    pub(crate) fn is_held(&self, cx: &mut MaySleep) -> bool {
        self.state.lock_in(cx).work.hold
    }

    /// Shuts the log down: whoever waits for it, and whoever will, gets [`Closed`].
    pub(crate) fn shut_down(&self, cx: &mut MaySleep) {
        let mut held = self.state.lock_in(cx);
        let state = held.as_mut().project();
        state.ring.close();
        state.work.close();
        state.stable.close();
    }

    /// Returns how the log is doing.
    pub(crate) fn summary(&self, cx: &mut MaySleep) -> Summary {
        let held = self.state.lock_in(cx);
        Summary {
            position: held.ring.next,
            stable: *held.stable,
            room_sleepers: held.ring.waiters(),
            stable_sleepers: held.stable.waiters(),
        }
    }

    /// Looks for tasks that sleep although what they wait for is there, and wakes them. Returns how
    /// many slept and how many of them should not have.
    pub(crate) fn audit(&self, cx: &mut MaySleep) -> Audit {
        let mut held = self.state.lock_in(cx);
        let state = held.as_mut().project();
        let audits = [state.ring.audit(), state.work.audit(), state.stable.audit()];
        audits
            .into_iter()
            .fold(Audit::default(), |sum, audit| Audit {
                sleeping: sum.sleeping + audit.sleeping,
                lost: sum.lost + audit.lost,
                behind: sum.behind + audit.behind,
                first: sum.first.or(audit.first),
            })
    }

    /// The log thread: makes stable what is wanted, until the log is shut down.
    pub(crate) fn run(&self, store: &Store, stats: &Stats, cx: &mut MaySleep) {
        loop {
            let held = self.state.lock_in(cx);
            let due = held.on(|state| &state.work).until(Work::is_due);
            if due.wait(Idle).is_err() {
                return;
            }
            if let Err(e) = self.commit_one(store, stats, cx) {
                // An error for everybody is better than a disk that hangs, or that says that it is
                // stable and is not.
                pr_err!("the log failed and is shut down: {:?}\n", e);
                self.shut_down(cx);
                return;
            }
        }
    }

    /// Takes the next buffer out of the ring, makes it stable, and makes room.
    fn commit_one(&self, store: &Store, stats: &Stats, cx: &mut MaySleep) -> Result {
        let mut buffer = self.take(cx).ok_or(EIO)?;
        for record in &buffer {
            let entries = store.write_back(record.start, record.bytes, cx)?;
            stats.written_back.add(entries as u64);
        }
        store.checkpoint(stats, cx)?;
        let records = buffer.len() as u64;
        stats.log_commits.inc();
        stats.log_records.add(records);

        buffer.clear();
        // Whoever is served by these is woken once the lock is released.
        let mut held = self.state.lock_in(cx);
        held.update(|state| state.project().ring, |ring| ring.give_back(buffer));
        held.update(|state| state.project().stable, |stable| *stable += records);
        Ok(())
    }

    /// Takes the next buffer out of the ring.
    fn take(&self, cx: &mut MaySleep) -> Option<Buffer> {
        let mut held = self.state.lock_in(cx);
        let state = held.as_mut().project();
        let buffer = state.ring.update(Ring::take);
        let taken = buffer.as_ref().map_or(0, |b| b.len() as u64);
        state.work.update(|work| work.taken += taken);
        buffer
    }
}
