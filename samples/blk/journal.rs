// SPDX-License-Identifier: GPL-2.0

//! The requests that wait for the log, and who works for them, as one object.
//!
//! It is plain data; [`Log`](crate::log::Log) has the lock and the thread. A request waits here as a value:
//! no task sleeps for it in the driver, and whoever has submitted it sleeps where the block layer lets
//! them. What keeps a wake-up from being lost is the rule of [`baton::Event`] all the same: what
//! requests wait for, the stable position and the end of the log, changes in here only, and every
//! request that waits is looked at before the function that has changed it returns. (The next position
//! changes elsewhere, see [`crate::ring`]. It only grows, and nobody waits for that.)
//!
//! Records are made stable by one at a time: whoever finds that it is due takes [the turn](Step::Turn),
//! and looks again when it is [over](Journal::committed). So whoever comes meanwhile need not be told.

use crate::{
    fifo::Fifo,
    ring::{
        self,
        Record,
        Ring, //
    },
};
use kernel::prelude::*;

/// What became of a request that was given to the log.
pub(crate) enum Answer<T> {
    /// It waits; [`Journal::next`] returns it when it is over.
    Waits,
    /// It is over.
    Over(T, Result),
}

/// What is to be done next, without the lock.
pub(crate) enum Step<T> {
    /// Nothing, or others do it.
    Rest,
    /// The request is over. There is more to be done if the last one is set.
    End(T, Result, bool),
    /// Whoever gets this has the turn: there is where records go to be made stable. It is given back with
    /// [`Journal::committed`] or [`Journal::leave`].
    Turn(KVec<Record>),
}

/// A write whose data is there.
pub(crate) struct Writer<T> {
    /// What it has changed.
    pub(crate) record: Record,
    /// Whether it is over only when the record is stable.
    pub(crate) fua: bool,
    pub(crate) request: T,
}

/// When checksums are to be written out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Checkpoint {
    /// There are few.
    Never,
    /// When they have become old.
    Later,
    /// There are many, or their memory is wanted.
    Now,
}

/// The requests that wait for the log, and who works for them.
pub(crate) struct Journal<T> {
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
    /// Where records go to be made stable; `None` while somebody has the turn.
    batch: Option<KVec<Record>>,
    /// What is due is left to the log thread.
    left: bool,
    /// What the log thread is to do besides.
    checkpoint: Checkpoint,
}

impl<T> Journal<T> {
    /// Makes an empty one, where `requests` can wait.
    pub(crate) fn new(requests: usize) -> Result<Self> {
        Ok(Self {
            room: Fifo::new(requests)?,
            positions: Fifo::new(requests)?,
            done: Fifo::new(requests)?,
            wanted: 0,
            hold: false,
            closed: false,
            batch: Some(ring::batch()?),
            left: false,
            checkpoint: Checkpoint::Never,
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

    /// Whether there are records to be made stable, and nobody does so.
    ///
    /// The wish for room is not that of the writer that came first: it is there as long as anybody waits
    /// for room.
    pub(crate) fn is_due(&self, ring: &Ring) -> bool {
        !self.hold
            && !self.closed
            && self.batch.is_some()
            && ring.unstable() > 0
            && (self.wanted > ring.stable() || !self.room.is_empty() || ring.is_worth_it())
    }

    /// Whether somebody has the turn.
    pub(crate) fn is_busy(&self) -> bool {
        self.batch.is_none()
    }

    /// Serves everybody who does not have to wait any more.
    fn serve(&mut self, ring: &Ring) {
        while self.closed || ring.has_room() {
            let Some(writer) = self.room.pop() else {
                break;
            };
            let answer = self.entered(ring, writer);
            self.settle(answer);
        }
        while self.is_reached(ring) {
            let Some((_, request)) = self.positions.pop() else {
                break;
            };
            let result = self.outcome();
            self.settle(Answer::Over(request, result));
        }
        // Whoever waits for room is let in before others.
        ring.bar(self.closed || !self.room.is_empty());
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
    fn is_reached(&self, ring: &Ring) -> bool {
        self.closed
            || self
                .positions
                .front()
                .is_some_and(|(position, _)| *position <= ring.stable())
    }

    fn settle(&mut self, answer: Answer<T>) {
        if let Answer::Over(request, result) = answer {
            // There is room for every request that there can be; otherwise it ends with an error, as
            // a request that is dropped does.
            let _ = self.done.push((request, result));
        }
    }

    /// Enters the record of a write; there must be room, or the log is closed.
    fn entered(&mut self, ring: &Ring, writer: Writer<T>) -> Answer<T> {
        if self.closed {
            return Answer::Over(writer.request, self.outcome());
        }
        match ring.enter_barred(writer.record) {
            Some(position) if writer.fua => self.reach(ring, position, writer.request),
            Some(_) => Answer::Over(writer.request, Ok(())),
            // Others were faster.
            None => self.wait_for_room(ring, writer),
        }
    }

    fn wait_for_room(&mut self, ring: &Ring, writer: Writer<T>) -> Answer<T> {
        ring.bar(true);
        match self.room.push(writer) {
            Ok(()) => Answer::Waits,
            Err(writer) => Answer::Over(writer.request, Err(ENOMEM)),
        }
    }

    fn reach(&mut self, ring: &Ring, position: u64, request: T) -> Answer<T> {
        if self.closed || position <= ring.stable() {
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

    /// Gives the journal a write; with FUA, it is over when the record is stable.
    pub(crate) fn write(&mut self, ring: &Ring, writer: Writer<T>) -> Answer<T> {
        if self.closed || self.room.is_empty() {
            return self.entered(ring, writer);
        }
        self.wait_for_room(ring, writer)
    }

    /// Gives the journal a flush: it is over when everything that was entered so far is stable.
    pub(crate) fn flush(&mut self, ring: &Ring, request: T) -> Answer<T> {
        self.reach(ring, ring.position(), request)
    }

    /// Returns what is to be done next. Whoever does not want the turn leaves it to the log thread.
    pub(crate) fn next(&mut self, ring: &Ring, turn: bool) -> Step<T> {
        if let Some((request, result)) = self.done.pop() {
            return self.end(ring, request, result);
        }
        if self.hold || self.batch.is_none() {
            return Step::Rest;
        }
        let due = self.is_due(ring);
        self.left = due && !turn;
        if !due || !turn {
            return Step::Rest;
        }
        self.batch.take().map_or(Step::Rest, Step::Turn)
    }

    /// Returns what is to be done after a request was given to the journal.
    pub(crate) fn after(&mut self, ring: &Ring, answer: Answer<T>) -> Step<T> {
        match answer {
            Answer::Waits => self.next(ring, true),
            Answer::Over(request, result) => self.end(ring, request, result),
        }
    }

    fn end(&self, ring: &Ring, request: T, result: Result) -> Step<T> {
        Step::End(request, result, !self.done.is_empty() || self.is_due(ring))
    }

    /// What was taken is stable up to `end`, and makes room.
    pub(crate) fn committed(&mut self, ring: &Ring, mut batch: KVec<Record>, end: u64) {
        batch.clear();
        self.batch = Some(batch);
        ring.reach(end);
        self.serve(ring);
    }

    /// What was taken is not stable. The log thread tries it once more.
    pub(crate) fn leave(&mut self, batch: KVec<Record>) {
        self.batch = Some(batch);
        self.left = true;
    }

    /// Whether the log thread has to make records stable.
    pub(crate) fn is_left(&self) -> bool {
        self.left && !self.hold && self.batch.is_some()
    }

    /// Whether the log thread has to do something, or will have to.
    pub(crate) fn has_work(&self) -> bool {
        self.is_left() || self.checkpoint != Checkpoint::Never
    }

    /// Whether the log thread has to do something now.
    pub(crate) fn is_urgent(&self) -> bool {
        self.is_left() || self.checkpoint == Checkpoint::Now
    }

    /// Notes when the log thread is to write checksums out, unless it is to do so before.
    pub(crate) fn wish(&mut self, checkpoint: Checkpoint) {
        self.checkpoint = self.checkpoint.max(checkpoint);
    }

    /// Returns what was wished, for the log thread that is about to do it.
    pub(crate) fn take_wish(&mut self) -> Checkpoint {
        core::mem::replace(&mut self.checkpoint, Checkpoint::Never)
    }

    /// Ends all that waits, and whatever comes, with `ESHUTDOWN`.
    pub(crate) fn close(&mut self, ring: &Ring) {
        self.closed = true;
        self.serve(ring);
    }

    /// Stops making records stable, or goes on.
    pub(crate) fn hold(&mut self, ring: &Ring, hold: bool) {
        self.hold = hold;
        // Nobody else comes for it.
        self.left = self.left || self.is_due(ring);
    }

    pub(crate) fn is_held(&self) -> bool {
        self.hold
    }

    /// How many requests wait for room.
    pub(crate) fn waiting_for_room(&self) -> usize {
        self.room.len()
    }

    /// How many requests wait for a position.
    pub(crate) fn waiting_for_position(&self) -> usize {
        self.positions.len()
    }

    /// How many kinds of requests wait although what they wait for is there: none, see
    /// [`Journal::committed`] and [`Journal::close`].
    pub(crate) fn lost(&self, ring: &Ring) -> usize {
        let room = !self.room.is_empty() && ring.has_room();
        let position = !self.positions.is_empty() && self.is_reached(ring);
        usize::from(room) + usize::from(position)
    }
}
