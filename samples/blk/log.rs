// SPDX-License-Identifier: GPL-2.0

//! The write log: records that are made stable in batches, by whoever needs it.
//!
//! Every change of the disk is a record. A record gets a *position* when it enters the log; FLUSH is
//! over when every position up to now is stable, FUA when its own is, and a write when its record has
//! entered, for which there has to be room.
//!
//! ```text
//!   Ring      records, and how far they are stable     writes enter them, without a lock of the disk
//!   Journal   who waits for room or a position         whoever has the turn makes records stable
//! ```
//!
//! Whoever comes with a request that has to wait, or finds that there are many records, takes the turn
//! if nobody has it, makes stable what there is, and tells all who waited for that: one of those who flush
//! at the same time works for the others, and none of them wakes a thread up. The log thread is there for
//! what nobody comes for: what was due while the log was held, what could not be made stable for want of
//! memory, and checksums that are to be written out because they are old.
//!
//! In C, this is where `xfs` lost wake-ups: a wait for a position or for the shutdown, where one of
//! the two changed under another lock. Here shutdown is *closing* the log: it ends all that waits, and
//! what comes later is told at once.

use crate::{
    journal::{
        Answer,
        Checkpoint,
        Journal,
        Step,
        Writer, //
    },
    ring::{
        Record,
        Ring, //
    },
    stats::Stats,
    store::Store, //
};
use baton::{
    event::{
        Audit,
        Idle,
        Mode,
        WaitError, //
    },
    new_event,
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Mutex, //
    },
    time::msecs_to_jiffies, //
};

/// How often one request makes records stable. What is due then is left to the log thread.
const TURNS: usize = 4;

/// How long checksums stay in memory alone, in milliseconds.
const AGE: u32 = 1000;

/// The write log of one disk, whose requests are `T`.
#[pin_data]
pub(crate) struct Log<T> {
    ring: Ring,
    /// Whether somebody has the turn: for those who would have to take the lock to see it.
    busy: Atomic<bool>,
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
            ring: Ring::new()?,
            busy: Atomic::new(false),
            journal <- new_mutex!(new_event!(Journal::new(requests)?)),
        })
    }

    /// Makes room for `requests` that wait; with nothing in flight.
    pub(crate) fn reserve(&self, requests: usize, cx: &mut MaySleep) -> Result {
        let mut larger = Journal::new(requests)?;
        self.update(cx, |journal, _| journal.grow(&mut larger));
        Ok(())
    }

    fn update<R>(&self, cx: &mut MaySleep, change: impl FnOnce(&mut Journal<T>, &Ring) -> R) -> R {
        let mut held = self.journal.lock_in(cx);
        held.as_mut().update(|journal| change(journal, &self.ring))
    }

    /// Gives the log a write. `end` is called for it when it is over, here or elsewhere, and for others
    /// that have waited.
    pub(crate) fn write(
        &self,
        writer: Writer<T>,
        store: &Store,
        stats: &Stats,
        cx: &mut MaySleep,
        mut end: impl FnMut(T, Result),
    ) {
        if !writer.fua && self.ring.enter(writer.record).is_some() {
            end(writer.request, Ok(()));
            // Whoever has the turn looks again.
            if self.ring.is_worth_it() && !self.busy.load(Relaxed) {
                let step = self.step(cx, |journal, ring| journal.next(ring, true));
                self.go_on(step, store, stats, cx, end);
            }
            return;
        }
        let step = self.step(cx, |journal, ring| {
            let before = journal.waiting_for_room();
            let answer = journal.write(ring, writer);
            if matches!(answer, Answer::Waits) {
                if journal.waiting_for_room() > before {
                    stats.log_full.inc();
                } else {
                    stats.log_waits.inc();
                }
            }
            journal.after(ring, answer)
        });
        self.go_on(step, store, stats, cx, end);
    }

    /// Gives the log a flush: it is over when everything that was entered so far is stable. `end` is called
    /// as for [`Log::write`].
    pub(crate) fn flush(
        &self,
        request: T,
        store: &Store,
        stats: &Stats,
        cx: &mut MaySleep,
        mut end: impl FnMut(T, Result),
    ) {
        if self.ring.is_stable() {
            return end(request, Ok(()));
        }
        let step = self.step(cx, |journal, ring| {
            let answer = journal.flush(ring, request);
            if matches!(answer, Answer::Waits) {
                stats.log_waits.inc();
            }
            journal.after(ring, answer)
        });
        self.go_on(step, store, stats, cx, end);
    }

    /// Returns what `f` says is to be done next.
    fn step(
        &self,
        cx: &mut MaySleep,
        f: impl FnOnce(&mut Journal<T>, &Ring) -> Step<T>,
    ) -> Step<T> {
        self.update(cx, |journal, ring| {
            let step = f(journal, ring);
            self.busy.store(journal.is_busy(), Relaxed);
            step
        })
    }

    /// Does what is to be done, until there is nothing, or it is the others' turn.
    #[inline(never)]
    fn go_on(
        &self,
        mut step: Step<T>,
        store: &Store,
        stats: &Stats,
        cx: &mut MaySleep,
        mut end: impl FnMut(T, Result),
    ) {
        let mut turns = 0;
        loop {
            step = match step {
                Step::End(request, result, more) => {
                    end(request, result);
                    if !more {
                        return;
                    }
                    self.step(cx, |journal, ring| journal.next(ring, turns < TURNS))
                }
                Step::Turn(batch) => {
                    turns += 1;
                    match self.commit(batch, turns < TURNS, store, stats, cx) {
                        Ok(step) => step,
                        // The log thread tries it once more.
                        Err(_) => return,
                    }
                }
                Step::Rest => return,
            };
        }
    }

    /// Makes what there is stable. Returns what is to be done next.
    fn commit(
        &self,
        mut batch: KVec<Record>,
        again: bool,
        store: &Store,
        stats: &Stats,
        cx: &mut MaySleep,
    ) -> Result<Step<T>> {
        let stable = self.ring.take(&mut batch);
        match store.write_back(&batch, stats, cx) {
            Ok(entries) => {
                stats.log_commits.inc();
                stats.log_records.add(batch.len() as u64);
                stats.written_back.add(entries as u64);
                let checkpoint = store.checkpoint_due();
                Ok(self.step(cx, |journal, ring| {
                    journal.wish(checkpoint);
                    journal.committed(ring, batch, stable);
                    journal.next(ring, again)
                }))
            }
            Err(e) => {
                self.step(cx, |journal, _| {
                    journal.leave(batch);
                    Step::Rest
                });
                Err(e)
            }
        }
    }

    /// Stops making records stable, or goes on.
    pub(crate) fn hold(&self, hold: bool, cx: &mut MaySleep) {
        self.update(cx, |journal, ring| journal.hold(ring, hold));
    }

    /// Returns whether it was stopped.
    pub(crate) fn is_held(&self, cx: &mut MaySleep) -> bool {
        self.journal.lock_in(cx).is_held()
    }

    /// Shuts the log down: what waits for it, and whatever will, ends with `ESHUTDOWN`. The log thread
    /// returns. `end` is called for each request.
    pub(crate) fn shut_down(&self, cx: &mut MaySleep, mut end: impl FnMut(T, Result)) {
        let mut held = self.journal.lock_in(cx);
        held.as_mut().update(|journal| journal.close(&self.ring));
        held.as_mut().close();
        drop(held);
        while let Step::End(request, result, _) =
            self.step(cx, |journal, ring| journal.next(ring, false))
        {
            end(request, result);
        }
    }

    /// Returns how the log is doing.
    pub(crate) fn summary(&self, cx: &mut MaySleep) -> Summary {
        let journal = self.journal.lock_in(cx);
        Summary {
            position: self.ring.position(),
            stable: self.ring.stable(),
            room_sleepers: journal.waiting_for_room(),
            stable_sleepers: journal.waiting_for_position(),
        }
    }

    /// Looks for tasks that sleep, and requests that wait, although what they wait for is there.
    /// Returns how many slept or waited and how many of them should not have.
    pub(crate) fn audit(&self, cx: &mut MaySleep) -> Audit {
        let mut held = self.journal.lock_in(cx);
        let waiting = held.waiting_for_room() + held.waiting_for_position();
        let lost = held.lost(&self.ring);
        let mut audit = held.as_mut().audit();
        audit.sleeping += waiting;
        audit.lost += lost;
        audit
    }

    /// The log thread: does what nobody else does, until the log is shut down. `end` is called for each
    /// request that has waited.
    pub(crate) fn run(
        &self,
        store: &Store,
        stats: &Stats,
        cx: &mut MaySleep,
        mut end: impl FnMut(T, Result),
    ) {
        while self.wait_for_work(cx) {
            if let Err(e) = self.work(store, stats, cx, &mut end) {
                // An error for everybody is better than a disk that hangs, or that says that it is
                // stable and is not.
                pr_err!("the log failed and is shut down: {:?}\n", e);
                return self.shut_down(cx, end);
            }
        }
    }

    /// Waits until there is something to do. Returns `false` if the log is shut down.
    fn wait_for_work(&self, cx: &mut MaySleep) -> bool {
        let held = self.journal.lock_in(cx);
        let work = held.on(|journal| journal).until(Journal::has_work);
        if work.wait(Idle).is_err() {
            return false;
        }
        // What is not urgent may have become so, or be old by then.
        let held = self.journal.lock_in(cx);
        let urgent = held.on(|journal| journal).until(Journal::is_urgent);
        let result = urgent.wait(Idle.timeout(msecs_to_jiffies(AGE)));
        matches!(result, Ok(()) | Err(WaitError::TimedOut))
    }

    fn work(
        &self,
        store: &Store,
        stats: &Stats,
        cx: &mut MaySleep,
        end: &mut impl FnMut(T, Result),
    ) -> Result {
        let mut step = self.step(cx, |journal, ring| journal.next(ring, true));
        loop {
            step = match step {
                Step::End(request, result, _) => {
                    end(request, result);
                    self.step(cx, |journal, ring| journal.next(ring, true))
                }
                Step::Turn(batch) => self.commit(batch, true, store, stats, cx)?,
                Step::Rest => break,
            };
        }
        let wished = self.update(cx, |journal, _| journal.take_wish());
        if wished != Checkpoint::Never {
            store.checkpoint(stats, cx)?;
            // There may be more of them than are written at once.
            let checkpoint = store.checkpoint_due();
            self.update(cx, |journal, _| journal.wish(checkpoint));
        }
        Ok(())
    }
}
