// SPDX-License-Identifier: GPL-2.0

//! The records of the log, and the requests that wait for it, as one object.
//!
//! It is plain data; [`Log`](crate::log::Log) has the lock and the thread. A request waits here as a value:
//! no task sleeps for it in the driver, and whoever has submitted it sleeps where the block layer lets
//! them. What keeps a wake-up from being lost is the rule of [`baton::Event`] all the same: the data
//! that a request waits for changes in [`Journal::update`] only, which looks at every request that
//! waits before it returns.

use crate::fifo::Fifo;
use kernel::prelude::*;

/// Records that the log has room for while they are not stable.
const ROOM: usize = 256;

/// The most records that are made stable at once.
pub(crate) const BATCH: usize = 64;

/// A change of the disk.
#[derive(Clone, Copy, Default)]
pub(crate) struct Record {
    /// The first byte that changed.
    pub(crate) start: u64,
    /// How many of them.
    pub(crate) bytes: u64,
}

/// What became of a request that was given to the log.
pub(crate) enum Answer<T> {
    /// It waits; [`Journal::take_done`] returns it when it is its turn.
    Waits,
    /// It is over.
    Over(T, Result),
}

/// The records that are not stable, in a ring.
///
/// `stable <= taken <= next`, and at most [`ROOM`] records lie between `stable` and `next`.
struct Ring {
    records: KVec<Record>,
    /// The position that the next record gets.
    next: u64,
    /// The log thread has seen everything before this.
    taken: u64,
    /// Everything before this is stable.
    stable: u64,
}

impl Ring {
    fn new() -> Result<Self> {
        Ok(Self {
            records: KVec::from_elem(Record::default(), ROOM, GFP_KERNEL)?,
            next: 0,
            taken: 0,
            stable: 0,
        })
    }

    fn has_room(&self) -> bool {
        self.next - self.stable < ROOM as u64
    }

    /// Enters a record; there must be room. Returns the position to be reached for it to be stable.
    fn enter(&mut self, record: Record) -> u64 {
        if let Some(slot) = self.records.get_mut((self.next % ROOM as u64) as usize) {
            *slot = record;
        }
        self.next += 1;
        self.next
    }

    /// Copies the oldest records that were not taken yet.
    fn take(&mut self, batch: &mut KVec<Record>) {
        while self.taken < self.next {
            let at = (self.taken % ROOM as u64) as usize;
            let record = self.records.get(at).copied().unwrap_or_default();
            if batch.push_within_capacity(record).is_err() {
                return;
            }
            self.taken += 1;
        }
    }
}

/// A write that waits for room.
struct Writer<T> {
    record: Record,
    fua: bool,
    request: T,
}

/// The records of the log, and the requests that wait for it.
pub(crate) struct Journal<T> {
    ring: Ring,
    /// Writes that wait for room, oldest first.
    room: Fifo<Writer<T>>,
    /// Requests that wait for a position, which are in order: each of them got the highest there was.
    positions: Fifo<(u64, T)>,
    /// Requests that wait for nothing any more.
    done: Fifo<(T, Result)>,
    /// The position that somebody waits for.
    wanted: u64,
    /// Nothing is made stable while this is set: a test holds what it wants to look at.
    hold: bool,
    closed: bool,
}

impl<T> Journal<T> {
    /// Makes an empty one, where `requests` can wait.
    pub(crate) fn new(requests: usize) -> Result<Self> {
        Ok(Self {
            ring: Ring::new()?,
            room: Fifo::new(requests)?,
            positions: Fifo::new(requests)?,
            done: Fifo::new(requests)?,
            wanted: 0,
            hold: false,
            closed: false,
        })
    }

    /// Lets `larger` take the place of one where nothing waits. Both have been used alike otherwise.
    pub(crate) fn grow(&mut self, larger: &mut Self) {
        let Self {
            room,
            positions,
            done,
            ..
        } = larger;
        core::mem::swap(&mut self.room, room);
        core::mem::swap(&mut self.positions, positions);
        core::mem::swap(&mut self.done, done);
    }

    /// Whether the log thread has to do something. The wish for room is not that of the writer that
    /// came first: it is there as long as anybody waits for room.
    pub(crate) fn is_due(&self) -> bool {
        !self.hold
            && self.ring.taken < self.ring.next
            && (self.wanted > self.ring.taken || !self.room.is_empty())
    }

    /// Changes the ring, and then serves everybody who does not have to wait any more.
    fn update<R>(&mut self, change: impl FnOnce(&mut Self) -> R) -> R {
        let result = change(self);
        while self.ring.has_room() || self.closed {
            let Some(writer) = self.room.pop() else {
                break;
            };
            let answer = self.entered(writer.record, writer.fua, writer.request);
            self.settle(answer);
        }
        while self.is_reached() {
            let Some((_, request)) = self.positions.pop() else {
                break;
            };
            let result = self.outcome();
            self.settle(Answer::Over(request, result));
        }
        result
    }

    /// What is told to those who are served.
    fn outcome(&self) -> Result {
        if self.closed {
            Err(ESHUTDOWN)
        } else {
            Ok(())
        }
    }

    /// Whether the first of those who wait for a position has to be told.
    fn is_reached(&self) -> bool {
        self.closed
            || self
                .positions
                .front()
                .is_some_and(|(position, _)| *position <= self.ring.stable)
    }

    fn settle(&mut self, answer: Answer<T>) {
        if let Answer::Over(request, result) = answer {
            // There is room for every request that there can be; otherwise it ends with an error, as
            // a request that is dropped does.
            let _ = self.done.push((request, result));
        }
    }

    /// Enters the record of a write; there must be room, or the log is closed.
    fn entered(&mut self, record: Record, fua: bool, request: T) -> Answer<T> {
        if self.closed {
            return Answer::Over(request, self.outcome());
        }
        let position = self.ring.enter(record);
        if fua {
            self.reach(position, request)
        } else {
            Answer::Over(request, Ok(()))
        }
    }

    fn reach(&mut self, position: u64, request: T) -> Answer<T> {
        if self.closed || position <= self.ring.stable {
            return Answer::Over(request, self.outcome());
        }
        match self.positions.push((position, request)) {
            Ok(()) => {
                self.wanted = self.wanted.max(position);
                Answer::Waits
            }
            Err((_, request)) => Answer::Over(request, Err(ENOMEM)),
        }
    }

    /// Gives the log the record of a write; with `fua`, it is over when the record is stable.
    pub(crate) fn write(&mut self, record: Record, fua: bool, request: T) -> Answer<T> {
        if self.closed || (self.room.is_empty() && self.ring.has_room()) {
            return self.entered(record, fua, request);
        }
        let writer = Writer {
            record,
            fua,
            request,
        };
        match self.room.push(writer) {
            Ok(()) => Answer::Waits,
            Err(writer) => Answer::Over(writer.request, Err(ENOMEM)),
        }
    }

    /// Gives the log a flush: it is over when everything that was entered so far is stable.
    pub(crate) fn flush(&mut self, request: T) -> Answer<T> {
        self.reach(self.ring.next, request)
    }

    /// Copies the oldest records that are not stable into `batch`.
    pub(crate) fn take(&mut self, batch: &mut KVec<Record>) {
        self.ring.take(batch);
    }

    /// What was taken is stable, and makes room.
    pub(crate) fn committed(&mut self) {
        self.update(|journal| journal.ring.stable = journal.ring.taken);
    }

    /// Ends all that waits, and whatever comes, with `ESHUTDOWN`.
    pub(crate) fn close(&mut self) {
        self.update(|journal| journal.closed = true);
    }

    /// Stops making records stable, or goes on.
    pub(crate) fn hold(&mut self, hold: bool) {
        self.hold = hold;
    }

    /// Takes a request that waits for nothing any more.
    pub(crate) fn take_done(&mut self) -> Option<(T, Result)> {
        self.done.pop()
    }

    pub(crate) fn is_held(&self) -> bool {
        self.hold
    }

    /// The position of the next record.
    pub(crate) fn position(&self) -> u64 {
        self.ring.next
    }

    /// How far it is stable.
    pub(crate) fn stable(&self) -> u64 {
        self.ring.stable
    }

    /// How many requests wait for room.
    pub(crate) fn waiting_for_room(&self) -> usize {
        self.room.len()
    }

    /// How many requests wait for a position.
    pub(crate) fn waiting_for_position(&self) -> usize {
        self.positions.len()
    }

    /// How many kinds of requests wait although what they wait for is there: none, by `update()`.
    pub(crate) fn lost(&self) -> usize {
        let room = !self.room.is_empty() && self.ring.has_room();
        let position = !self.positions.is_empty() && self.is_reached();
        usize::from(room) + usize::from(position)
    }
}
