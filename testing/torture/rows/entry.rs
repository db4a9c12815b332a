// SPDX-License-Identifier: GPL-2.0

//! Entries: locked alone, shared, removed under those who wait, and of both orders.

use super::claim::Owner;
use crate::{
    row::{
        made,
        Me,
        Row, //
    },
    waited_killable, //
};
use baton::{
    entry_map::{
        new_entry_map,
        At,
        EntryMap,
        Order,
        Outcome,
        Slot, //
    },
    MaySleep, //
};
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

/// How many entries there are. Few: they are to be waited for.
const ENTRIES: usize = 2;

/// A number that is never less than nothing.
pub(super) struct Users(Atomic<i32>);

impl Users {
    pub(super) fn new() -> Self {
        Self(Atomic::new(0))
    }

    pub(super) fn come(&self) {
        self.0.fetch_add(1, Full);
    }

    pub(super) fn go(&self) {
        self.0.fetch_add(-1, Full);
    }

    pub(super) fn are_there(&self) -> bool {
        self.0.load(Relaxed) != 0
    }
}

fn owners() -> [Owner; ENTRIES] {
    core::array::from_fn(|_| Owner::new())
}

/// Entries that are locked by one at a time, and now and then removed.
#[pin_data]
struct EntryRow {
    #[pin]
    map: EntryMap<u64>,
    owners: [Owner; ENTRIES],
    /// How often entries were locked: those that are there say their part of it themselves.
    locked: Atomic<u64>,
    gone: Atomic<u64>,
}

impl Row for EntryRow {
    /// Locks or makes an entry, and removes it now and then.
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let index = me.random.below(ENTRIES as u64) as usize;
        let at = waited_killable!(me.how_killable(), |mode| self.map.at(
            cx,
            mode,
            index,
            Order::Pte,
            |slot| match slot {
                Slot::Vacant => Outcome::InsertLocked(0),
                Slot::Unlocked(_) => Outcome::Lock,
                Slot::Conflict(_) => Outcome::Leave,
            }
        ))?;
        let At::Locked(mut entry) = at else {
            me.fail("an entry of the smallest order is in conflict");
            return Ok(0);
        };
        let remove = me.random.below(16) == 0;
        self.owners[index].alone(me, |_| ());
        self.locked.fetch_add(1, Relaxed);
        entry.set(entry.value() + 1)?;
        if remove {
            let value = entry.value();
            self.gone.fetch_add(value, Relaxed);
            let _ = entry.remove();
        } else {
            entry.unlock();
        }
        Ok(1)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let index = me.random.below(ENTRIES as u64) as usize;
        let entry = waited_killable!(me.how_killable(), |mode| self.map.lock(cx, mode, index))?;
        let Some(mut entry) = entry else {
            return Ok(0);
        };
        self.owners[index].alone(me, |_| ());
        self.locked.fetch_add(1, Relaxed);
        entry.set(entry.value() + 1)?;
        entry.unlock();
        Ok(1)
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

pub(super) fn exclusive(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let row = pin_init!(EntryRow {
        map <- new_entry_map!(),
        owners: owners(),
        locked: Atomic::new(0),
        gone: Atomic::new(0),
    });
    made(row)
}

/// An entry that writers lock alone, and waiters share.
#[pin_data]
struct SharedRow {
    #[pin]
    map: EntryMap<u64>,
    owner: Owner,
    readers: Users,
}

impl Row for SharedRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let entry = waited_killable!(me.how_killable(), |mode| self.map.lock(cx, mode, 0))?;
        let Some(entry) = entry else {
            me.fail("an entry is gone that nobody removes");
            return Ok(0);
        };
        self.owner.alone(me, |me| {
            if self.readers.are_there() {
                me.fail("an entry is locked alone, and others share it");
            }
        });
        entry.unlock();
        Ok(1)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let entry = waited_killable!(me.how_killable(), |mode| self.map.lock_shared(cx, mode, 0))?;
        let Some(entry) = entry else {
            me.fail("an entry is gone that nobody removes");
            return Ok(0);
        };
        self.readers.come();
        if !self.owner.is_nobody() {
            me.fail("an entry is shared, and another one has it alone");
        }
        self.readers.go();
        entry.unlock();
        Ok(1)
    }

    fn end(&self, _cx: &mut MaySleep) -> Result<(), &'static str> {
        match self.map.try_lock(0) {
            Ok(Some(_)) if self.map.sleepers() == 0 => Ok(()),
            _ => Err("the entry is not free, or still waited for"),
        }
    }
}

pub(super) fn shared(cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let row = pin_init!(SharedRow {
        map <- new_entry_map!(),
        owner: Owner::new(),
        readers: Users::new(),
    });
    let row = Arc::pin_init(row, GFP_KERNEL)?;
    let _ = row
        .map
        .try_at_in(cx, 0, Order::Pte, |_| Outcome::Insert(1))?;
    Ok(row)
}

/// Entries of either order in one range, which are made, locked and removed.
#[pin_data]
struct OrdersRow {
    #[pin]
    map: EntryMap<u64>,
    /// Who has the large one, and how many have small ones.
    large: Owner,
    small: [Owner; ENTRIES],
    users: Users,
}

impl OrdersRow {
    fn turn(&self, cx: &mut MaySleep, me: &mut Me<'_>, order: Order) -> Result<u64> {
        let index = me.random.below(ENTRIES as u64) as usize;
        let at = waited_killable!(me.how_killable(), |mode| self.map.at(
            cx,
            mode,
            index,
            order,
            |slot| match slot {
                Slot::Vacant => Outcome::InsertLocked(0),
                Slot::Unlocked(_) => Outcome::Lock,
                Slot::Conflict(_) => Outcome::Leave,
            }
        ))?;
        // Small ones are in the way of a large one.
        let At::Locked(entry) = at else {
            return Ok(0);
        };
        let remove = me.random.below(2) == 0;
        match entry.granule().order() {
            Order::Pmd => self.large.alone(me, |me| {
                if self.users.are_there() {
                    me.fail("a large entry is locked, and a small one in its range");
                }
            }),
            Order::Pte => {
                self.users.come();
                self.small[index].alone(me, |me| {
                    if !self.large.is_nobody() {
                        me.fail("a small entry is locked, and a large one over it");
                    }
                });
                self.users.go();
            }
        }
        if remove {
            let _ = entry.remove();
        } else {
            entry.unlock();
        }
        Ok(1)
    }
}

impl Row for OrdersRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        self.turn(cx, me, Order::Pmd)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        self.turn(cx, me, Order::Pte)
    }

    fn end(&self, _cx: &mut MaySleep) -> Result<(), &'static str> {
        for index in 0..ENTRIES {
            if self.map.try_lock(index).is_err() {
                return Err("an entry is locked by nobody");
            }
        }
        if self.map.sleepers() == 0 {
            Ok(())
        } else {
            Err("a task that has gone still waits for an entry")
        }
    }
}

pub(super) fn orders(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let row = pin_init!(OrdersRow {
        map <- new_entry_map!(),
        large: Owner::new(),
        small: owners(),
        users: Users::new(),
    });
    made(row)
}
