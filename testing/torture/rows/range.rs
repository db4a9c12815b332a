// SPDX-License-Identifier: GPL-2.0

//! Entries of a range, several of them at a time, and entries that somebody else unlocks.

use super::claim::Owner;
use crate::{
    row::{
        made,
        Me,
        Row, //
    },
    waited_holding,
    waited_killable, //
};
use baton::{
    entry_map::{
        new_entry_map,
        At,
        EntryMap,
        Mark,
        Order,
        Outcome,
        OwnedEntryGuard,
        Slot, //
    },
    sink::{
        Finish,
        WorkSink, //
    },
    MaySleep, //
};
use core::ops::ControlFlow;
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc, //
    },
};

/// How many entries there are.
const ENTRIES: usize = 3;

/// Entries that are made dirty, written back, looked at, and removed, each of them and all of them.
#[pin_data]
struct RangeRow {
    #[pin]
    map: EntryMap<u64>,
    owners: [Owner; ENTRIES],
    /// How often entries were locked: those that are there say their part of it themselves.
    locked: Atomic<u64>,
    gone: Atomic<u64>,
}

fn lock_or_insert(slot: Slot<u64>) -> Outcome<u64> {
    match slot {
        Slot::Vacant => Outcome::InsertLocked(0),
        Slot::Unlocked(_) => Outcome::Lock,
        Slot::Conflict(_) => Outcome::Leave,
    }
}

impl RangeRow {
    /// Locks an entry, and the one behind it.
    fn both(&self, cx: &mut MaySleep, me: &mut Me<'_>, index: usize) -> Result<u64> {
        let order = Order::Pte;
        let first = waited_killable!(me.how_killable(), |mode| self.map.at(
            cx,
            mode,
            index,
            order,
            lock_or_insert
        ))?;
        let At::Locked(mut first) = first else {
            me.fail("an entry of the smallest order is in conflict");
            return Ok(0);
        };
        let second = waited_holding!(me.how_killable(), |mode| first.at_next(
            mode,
            index + 1,
            order,
            lock_or_insert
        ))?;
        let Some(mut second) = second.locked() else {
            me.fail("an entry of the smallest order is in conflict");
            return Ok(0);
        };
        self.owners[index].alone(me, |me| self.owners[index + 1].alone(me, |_| ()));
        self.locked.fetch_add(1, Relaxed);
        second.set(second.value() + 1)?;
        // The first one is let go of behind it.
        second.unlock_marked(Mark::Dirty);
        Ok(1)
    }

    /// Locks an entry and the one behind it, if they are there.
    fn pair(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let first = waited_killable!(me.how_killable(), |mode| self.map.lock(cx, mode, 0))?;
        let Some(mut first) = first else {
            return Ok(0);
        };
        let second = waited_holding!(me.how_killable(), |mode| first.lock_next(mode, 1))?;
        if second.is_none() {
            return Ok(0);
        }
        self.owners[0].alone(me, |me| self.owners[1].alone(me, |_| ()));
        Ok(1)
    }

    fn removes(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let gone = |_: &mut MaySleep, _, value| {
            self.gone.fetch_add(value, Relaxed);
        };
        let removed = if me.random.below(2) == 0 {
            waited_killable!(me.how_killable(), |mode| self.map.invalidate(
                cx,
                mode,
                0..ENTRIES,
                gone
            ))
        } else {
            waited_killable!(me.how_killable(), |mode| self.map.invalidate_clean(
                cx,
                mode,
                0..ENTRIES,
                gone
            ))
        }?;
        Ok(removed as u64)
    }

    fn writes_back(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let written = waited_killable!(me.how_killable(), |mode| self.map.write_back(
            cx,
            mode,
            0..ENTRIES,
            |entry| {
                let index = entry.granule().base();
                self.owners[index].alone(me, |_| ());
                self.locked.fetch_add(1, Relaxed);
                entry.set(entry.value() + 1)
            }
        ))?;
        Ok(written as u64)
    }

    /// Looks at all of them, each unlocked.
    fn looks(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let mut seen = 0;
        let more = waited_killable!(me.how_killable(), |mode| self.map.scan(
            cx,
            mode,
            0..ENTRIES,
            |entry| {
                seen += 1;
                if entry.granule().base() >= ENTRIES {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            }
        ))?;
        if more.is_some() {
            me.fail("an entry was seen that is not in the range");
        }
        Ok(seen)
    }
}

impl Row for RangeRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let index = me.random.below(ENTRIES as u64 - 1) as usize;
        self.both(cx, me, index)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        match me.random.below(8) {
            0 => self.removes(cx, me),
            1..=3 => self.writes_back(cx, me),
            4 | 5 => self.pair(cx, me),
            _ => self.looks(cx, me),
        }
    }

    fn end(&self, _cx: &mut MaySleep) -> Result<(), &'static str> {
        let mut sum = self.gone.load(Relaxed);
        for index in 0..ENTRIES {
            match self.map.try_lock(index) {
                Ok(Some(entry)) => sum += entry.value(),
                Ok(None) => (),
                Err(_) => return Err("an entry is locked by nobody"),
            }
        }
        if self.map.sleepers() != 0 {
            return Err("a task that has gone still waits for an entry");
        }
        if sum == self.locked.load(Relaxed) {
            Ok(())
        } else {
            Err("what was stored in entries is not what they were locked for")
        }
    }
}

pub(super) fn range(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let row = pin_init!(RangeRow {
        map <- new_entry_map!(),
        owners: core::array::from_fn(|_| Owner::new()),
        locked: Atomic::new(0),
        gone: Atomic::new(0),
    });
    made(row)
}

/// A map whose entries are unlocked by a worker.
#[pin_data]
struct Lent {
    #[pin]
    map: EntryMap<u64>,
    /// Whether somebody has the entry, and how often somebody else had it at the same time.
    busy: Atomic<u32>,
    wrong: Atomic<u32>,
    locked: Atomic<u64>,
}

impl Lent {
    /// Uses the entry, which the caller has locked.
    fn uses(&self) {
        if self.busy.xchg(1, Full) != 0 {
            self.wrong.fetch_add(1, Relaxed);
        }
        self.locked.fetch_add(1, Relaxed);
        self.busy.xchg(0, Full);
    }
}

/// An entry that goes to whoever finishes it.
struct Loan {
    lent: Arc<Lent>,
    entry: OwnedEntryGuard<Lent, u64>,
}

impl Finish<MaySleep<baton::level::Unordered>> for Loan {
    fn finish(mut self, _cx: &mut MaySleep<baton::level::Unordered>) {
        self.lent.uses();
        let _ = self.entry.set(self.entry.value() + 1);
        // It is unlocked, also if nobody else has the map any more.
        drop(self.entry);
    }
}

struct LentRow {
    lent: Arc<Lent>,
    sink: WorkSink<Loan>,
}

impl Row for LentRow {
    /// Locks the entry, and hands it to a worker, who unlocks it.
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let lent = self.lent.clone();
        let entry = waited_killable!(me.how_killable(), |mode| lent.map.lock(cx, mode, 0))?;
        let Some(entry) = entry else {
            me.fail("an entry is gone that nobody removes");
            return Ok(0);
        };
        let Ok(entry) = entry.detach().owned_by(lent.clone(), |lent| &lent.map) else {
            me.fail("an entry is of another map");
            return Ok(0);
        };
        let lent = lent.clone();
        if let Err(loan) = self.sink.push(Loan { lent, entry }) {
            drop(loan);
            return Ok(0);
        }
        Ok(1)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let map = &self.lent.map;
        let entry = waited_killable!(me.how_killable(), |mode| map.lock(cx, mode, 0))?;
        let Some(mut entry) = entry else {
            me.fail("an entry is gone that nobody removes");
            return Ok(0);
        };
        self.lent.uses();
        entry.set(entry.value() + 1)?;
        entry.unlock();
        Ok(1)
    }

    fn end(&self, cx: &mut MaySleep) -> Result<(), &'static str> {
        if self.sink.close(cx).is_err() {
            return Err("the sink could not be closed");
        }
        if self.lent.wrong.load(Relaxed) != 0 {
            return Err("two have an entry at the same time");
        }
        match self.lent.map.try_lock(0) {
            Ok(Some(entry)) if entry.value() == self.lent.locked.load(Relaxed) => Ok(()),
            _ => Err("the entry is not free, or not what was stored in it"),
        }
    }
}

pub(super) fn lent(cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let lent = Arc::pin_init(
        pin_init!(Lent {
            map <- new_entry_map!(),
            busy: Atomic::new(0),
            wrong: Atomic::new(0),
            locked: Atomic::new(0),
        }),
        GFP_KERNEL,
    )?;
    let _ = lent
        .map
        .try_at_in(cx, 0, Order::Pte, |_| Outcome::Insert(0))?;
    let sink = WorkSink::new(cx, c"baton_torture", 4)?;
    let row = Arc::new(LentRow { lent, sink }, GFP_KERNEL)?;
    Ok(row)
}
