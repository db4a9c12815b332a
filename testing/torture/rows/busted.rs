// SPDX-License-Identifier: GPL-2.0

//! Rows that a run has to find something wrong with: BUGGY, do not use in real life!!!
//!
//! The library's types refuse these faults, so most are in C, see `rust/torture/busted.c`; [`boxes`] is the same
//! without a fault. The last two are what the types cannot refuse: a condition that reads something else.

use super::claim::Owner;
use crate::{
    boxes::{
        Boxes,
        Fault, //
    },
    row::{
        made,
        Me,
        Row, //
    },
    tally::Stock,
    waited, //
};
use baton::{
    new_event,
    testing::yield_now,
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full, //
        },
        Arc,
        SpinLock, //
    },
};

/// Values that are put into a box, and taken out of it.
struct BoxRow {
    boxes: Boxes,
    keyed: bool,
}

impl Row for BoxRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let keys = if self.keyed { me.waiters() as u64 } else { 1 };
        let (key, value) = (me.random.below(keys) as u32, me.value());
        self.boxes.put(cx, key, value)?;
        me.gave(value);
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let waiter = me.index as u32;
        let key = if self.keyed { waiter } else { 0 };
        let value = self.boxes.take(cx, key, waiter)?;
        me.took(value);
        Ok(1)
    }

    fn close(&self, _cx: &mut MaySleep) {
        self.boxes.close();
    }

    fn left(&self, _cx: &mut MaySleep) -> Stock {
        let (count, sum) = self.boxes.left();
        Stock { count, sum }
    }
}

fn row(fault: Fault) -> Result<Arc<dyn Row>> {
    let row = BoxRow {
        boxes: Boxes::new(fault)?,
        keyed: fault == Fault::Key,
    };
    let row = Arc::new(row, GFP_KERNEL)?;
    Ok(row)
}

pub(super) fn boxes(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    row(Fault::None)
}

pub(super) fn dropped(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    row(Fault::Dropped)
}

pub(super) fn early(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    row(Fault::Early)
}

pub(super) fn signal(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    row(Fault::Signal)
}

pub(super) fn key(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    row(Fault::Key)
}

pub(super) fn holding(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    row(Fault::Holding)
}

pub(super) fn late(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    row(Fault::Late)
}

pub(super) fn claim(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    row(Fault::Claim)
}

pub(super) fn parked(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    row(Fault::Parked)
}

/// How many nodes there are.
const NODES: u64 = 4;

/// Nodes that are found, used, and made into others.
struct NodeRow(Boxes);

impl Row for NodeRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let (node, who) = (me.random.below(NODES) as u32, me.value());
        let _ = self.0.reuse(node, who);
        yield_now(cx);
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let node = me.random.below(NODES) as u32;
        let found = self.0.find(node);
        yield_now(cx);
        if self.0.look(node) != found {
            me.fail("a node has become another one while it was used");
        }
        self.0.unpin(node);
        Ok(1)
    }
}

pub(super) fn pin(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let row = Arc::new(NodeRow(Boxes::new(Fault::Pin)?), GFP_KERNEL)?;
    Ok(row)
}

/// Something that one task has at a time.
struct OwnersRow {
    boxes: Boxes,
    owner: Owner,
}

impl OwnersRow {
    fn turn(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        if !self.boxes.try_own() {
            yield_now(cx);
            return Ok(0);
        }
        self.owner.alone(me, |_| yield_now(cx));
        self.boxes.disown();
        Ok(1)
    }
}

impl Row for OwnersRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        self.turn(cx, me)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        self.turn(cx, me)
    }
}

pub(super) fn owners(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    let row = OwnersRow {
        boxes: Boxes::new(Fault::Owners)?,
        owner: Owner::new(),
    };
    let row = Arc::new(row, GFP_KERNEL)?;
    Ok(row)
}

#[pin_data]
struct Nothing {
    #[pin]
    event: Event<()>,
}

/// A condition that reads a flag beside its event: no update of that considers the waiters.
#[pin_data]
struct StaticRow {
    #[pin]
    event: SpinLock<Nothing>,
    flag: Arc<Flag>,
    audited: bool,
}

struct Flag(Atomic<u32>);

impl Row for StaticRow {
    fn give(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        // Seldom, so that a waiter is asleep.
        me.random.sleep_us(cx, 500);
        self.flag.0.store(1, kernel::sync::atomic::Relaxed);
        Ok(0)
    }

    fn take(&self, cx: &mut MaySleep, me: &mut Me<'_>) -> Result<u64> {
        let flag = self.flag.clone();
        waited!(me.how(), |mode| {
            let flag = flag.clone();
            let on = self.event.lock_in(cx).on(|n| &n.event);
            on.until(move |()| flag.0.xchg(0, Full) != 0).wait(mode)
        })?;
        Ok(1)
    }

    fn close(&self, cx: &mut MaySleep) {
        self.event.lock_in(cx).as_mut().project().event.close();
    }

    fn audit(&self, cx: &mut MaySleep) -> usize {
        if !self.audited {
            return 0;
        }
        self.event.lock_in(cx).as_mut().project().event.audit().lost
    }
}

fn beside(audited: bool) -> Result<Arc<dyn Row>> {
    let flag = Arc::new(Flag(Atomic::new(0)), GFP_KERNEL)?;
    let row = pin_init!(StaticRow {
        event <- new_spinlock!(pin_init!(Nothing { event <- new_event!(()) })),
        flag,
        audited,
    });
    made(row)
}

/// The auditor has to find it.
pub(super) fn audited(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    beside(true)
}

/// With the auditor switched off, the deadline has to.
pub(super) fn unaudited(_cx: &mut MaySleep) -> Result<Arc<dyn Row>> {
    beside(false)
}
