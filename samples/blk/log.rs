// SPDX-License-Identifier: GPL-2.0

//! The write log: records that one thread makes stable in order.
//!
//! Every change of the disk is a record. A record gets a *position* when it enters the log; FLUSH is
//! over when every position up to now is stable, FUA when its own is, and a write when its record has
//! entered, for which there has to be room.
//!
//! ```text
//!   Journal   room, and how far it is stable   requests wait for both, the log thread makes them
//!             work that is due                 the log thread waits for it, requests make it
//! ```
//!
//! Both are one [`Event`]: whether there is work depends on who waits, and who waits is served by the
//! work. Requests wait as values (see [`crate::journal`]), the thread sleeps.
//!
//! In C, this is where `xfs` lost wake-ups: a wait for a position or for the shutdown, where one of
//! the two changed under another lock. Here shutdown is *closing* the log: it ends all that waits, and
//! what comes later is told at once.

use crate::{
    journal::{
        Answer,
        Journal,
        Record,
        BATCH, //
    },
    stats::Stats,
    store::Store, //
};
use baton::{
    event::{
        Audit,
        Idle, //
    },
    new_event,
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::Mutex, //
};

/// The write log of one disk, whose requests are `T`.
#[pin_data]
pub(crate) struct Log<T> {
    #[pin]
    journal: Mutex<Event<Journal<T>>>,
}

/// How the log is doing, for the statistics.
pub(crate) struct Summary {
    /// The position of the next record.
    pub(crate) position: u64,
    /// How far the log is stable.
    pub(crate) stable: u64,
    /// Requests that wait for room.
    pub(crate) room_sleepers: usize,
    /// Requests that wait until their position is stable.
    pub(crate) stable_sleepers: usize,
}

impl<T: Send + 'static> Log<T> {
    /// Makes an empty log, where `requests` can wait.
    pub(crate) fn new(requests: usize) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            journal <- new_mutex!(new_event!(Journal::new(requests)?)),
        })
    }

    /// Makes room for `requests` that wait; with nothing in flight.
    pub(crate) fn reserve(&self, requests: usize, cx: &mut MaySleep) -> Result {
        let mut larger = Journal::new(requests)?;
        self.update(cx, |journal| journal.grow(&mut larger));
        Ok(())
    }

    fn update<R>(&self, cx: &mut MaySleep, change: impl FnOnce(&mut Journal<T>) -> R) -> R {
        self.journal.lock_in(cx).as_mut().update(change)
    }

    /// Gives the log the record of a write; with `fua`, it is over when the record is stable.
    pub(crate) fn write(
        &self,
        record: Record,
        fua: bool,
        request: T,
        stats: &Stats,
        cx: &mut MaySleep,
    ) -> Answer<T> {
        self.update(cx, |journal| {
            let before = journal.waiting_for_room();
            let answer = journal.write(record, fua, request);
            if matches!(answer, Answer::Waits) {
                if journal.waiting_for_room() > before {
                    stats.log_full.inc();
                } else {
                    stats.log_waits.inc();
                }
            }
            answer
        })
    }

    /// Gives the log a flush: it is over when everything that was entered so far is stable.
    pub(crate) fn flush(&self, request: T, stats: &Stats, cx: &mut MaySleep) -> Answer<T> {
        self.update(cx, |journal| {
            let answer = journal.flush(request);
            if matches!(answer, Answer::Waits) {
                stats.log_waits.inc();
            }
            answer
        })
    }

    /// Stops making records stable, or goes on.
    pub(crate) fn hold(&self, hold: bool, cx: &mut MaySleep) {
        self.update(cx, |journal| journal.hold(hold));
    }

    /// Returns whether it was stopped.
    pub(crate) fn is_held(&self, cx: &mut MaySleep) -> bool {
        self.journal.lock_in(cx).is_held()
    }

    /// Shuts the log down: what waits for it, and whatever will, ends with `ESHUTDOWN`. The log thread
    /// returns. `end` is called for each request.
    pub(crate) fn shut_down(&self, cx: &mut MaySleep, end: impl FnMut(T, Result)) {
        let mut held = self.journal.lock_in(cx);
        held.as_mut().update(Journal::close);
        held.as_mut().close();
        drop(held);
        self.end_done(cx, end);
    }

    /// Ends the requests that wait for nothing any more, without the lock.
    fn end_done(&self, cx: &mut MaySleep, mut end: impl FnMut(T, Result)) {
        while let Some((request, result)) = self.update(cx, Journal::take_done) {
            end(request, result);
        }
    }

    /// Returns how the log is doing.
    pub(crate) fn summary(&self, cx: &mut MaySleep) -> Summary {
        let journal = self.journal.lock_in(cx);
        Summary {
            position: journal.position(),
            stable: journal.stable(),
            room_sleepers: journal.waiting_for_room(),
            stable_sleepers: journal.waiting_for_position(),
        }
    }

    /// Looks for tasks that sleep, and requests that wait, although what they wait for is there.
    /// Returns how many slept or waited and how many of them should not have.
    pub(crate) fn audit(&self, cx: &mut MaySleep) -> Audit {
        let mut held = self.journal.lock_in(cx);
        let waiting = held.waiting_for_room() + held.waiting_for_position();
        let lost = held.lost();
        let mut audit = held.as_mut().audit();
        audit.sleeping += waiting;
        audit.lost += lost;
        audit
    }

    /// The log thread: makes stable what is wanted, until the log is shut down. `end` is called for
    /// each request that has waited.
    pub(crate) fn run(
        &self,
        store: &Store,
        stats: &Stats,
        cx: &mut MaySleep,
        mut end: impl FnMut(T, Result),
    ) {
        let Ok(mut batch) = KVec::with_capacity(BATCH, GFP_KERNEL) else {
            pr_err!("the log has no memory and is shut down\n");
            return self.shut_down(cx, end);
        };
        loop {
            let held = self.journal.lock_in(cx);
            let due = held.on(|journal| journal).until(Journal::is_due).wait(Idle);
            if due.is_err() {
                return;
            }
            if let Err(e) = self.commit(&mut batch, store, stats, cx) {
                // An error for everybody is better than a disk that hangs, or that says that it is
                // stable and is not.
                pr_err!("the log failed and is shut down: {:?}\n", e);
                return self.shut_down(cx, end);
            }
            self.end_done(cx, &mut end);
        }
    }

    /// Makes the oldest records stable.
    fn commit(
        &self,
        batch: &mut KVec<Record>,
        store: &Store,
        stats: &Stats,
        cx: &mut MaySleep,
    ) -> Result {
        batch.clear();
        self.update(cx, |journal| journal.take(batch));
        for record in batch.iter() {
            let entries = store.write_back(record.start, record.bytes, cx)?;
            stats.written_back.add(entries as u64);
        }
        store.checkpoint(stats, cx)?;
        stats.log_commits.inc();
        stats.log_records.add(batch.len() as u64);
        self.update(cx, Journal::committed);
        Ok(())
    }
}
