// SPDX-License-Identifier: GPL-2.0

//! dax, with an entry map: nobody holds a wake-up that could be forgotten.
//!
//! The operations of `dax.c`. What a task does with what it finds is an outcome, and who is woken
//! follows from that: the arm for a vacant slot has to be written, and there is no wake-up in it to
//! leave out. The key of a wait comes from the entry that was found; a smaller entry than the
//! requested one is a conflict, with nothing to wait for.

use crate::{
    actor::{
        Actor,
        Phase, //
    },
    params::{
        Param,
        Values, //
    },
    scene::{
        Op,
        Seed, //
    },
};
use baton::{
    entry_map::{
        new_entry_map,
        At,
        EntryGuard,
        EntryMap,
        Order,
        Outcome,
        Slot, //
    },
    event::Killable,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// A page cache: the entries stand for nothing, only their locks matter.
#[pin_data]
pub(crate) struct Map {
    #[pin]
    pages: EntryMap<()>,
}

const MAX_INDEX: u64 = 0xffff;

impl Map {
    /// Looks at an entry on behalf of an actor, and publishes that it may wait.
    fn at<'c>(
        &self,
        actor: &Actor,
        cx: &'c mut MaySleep,
        index: u64,
        order: Order,
        f: impl FnMut(Slot<()>) -> Outcome<()> + Send,
    ) -> Result<At<(), EntryGuard<'_, 'c, ()>>> {
        actor.waits_for(cx, fmt!("entry {index}"));
        actor.enter(Phase::Waiting);
        // CAST: At most `MAX_INDEX`.
        let at = self.pages.at(cx, Killable, index as usize, order, f);
        actor.enter(Phase::Running);
        at
    }
}

/// Says how an operation has ended.
fn tell(actor: &Actor, cx: &mut MaySleep, end: Result<&str>) {
    match end {
        Ok(end) => actor.result(cx, fmt!("{end}")),
        Err(error) => actor.broken(cx, fmt!("{error:?}")),
    }
}

/// A page fault: locks the entry, maps it, unlocks it.
fn fault(map: &Map, actor: &Actor, values: &Values, cx: &mut MaySleep) {
    let order = if values.flag(1) {
        Order::Pmd
    } else {
        Order::Pte
    };
    let at = map.at(actor, cx, values.number(0), order, |slot| match slot {
        Slot::Vacant => Outcome::InsertLocked(()),
        Slot::Unlocked(_) => Outcome::Lock,
        Slot::Conflict(_) => Outcome::Leave,
    });
    let end = at.map(|at| match at {
        At::Locked(entry) => {
            if values.flag(2) {
                actor.hold();
            }
            entry.unlock();
            "faulted"
        }
        _ => "conflict",
    });
    tell(actor, cx, end);
}

/// Removes the entry.
fn invalidate(map: &Map, actor: &Actor, values: &Values, cx: &mut MaySleep) {
    let at = map.at(actor, cx, values.number(0), Order::Pte, |slot| match slot {
        Slot::Unlocked(_) => Outcome::Remove,
        Slot::Vacant | Slot::Conflict(_) => Outcome::Leave,
    });
    let end = at.map(|at| match at {
        At::Removed(()) => "removed",
        _ => "vacant",
    });
    tell(actor, cx, end);
}

/// Looks at the entry and leaves it as it is.
fn scan(map: &Map, actor: &Actor, values: &Values, cx: &mut MaySleep) {
    let mut seen = "vacant";
    let at = map.at(actor, cx, values.number(0), Order::Pte, |slot| {
        if matches!(slot, Slot::Unlocked(_)) {
            seen = "seen";
        }
        Outcome::Leave
    });
    let end = at.map(|_| seen);
    tell(actor, cx, end);
}

/// A fault that gives up when it has got the entry.
fn give_up(map: &Map, actor: &Actor, values: &Values, cx: &mut MaySleep) {
    let at = map.at(actor, cx, values.number(0), Order::Pte, |slot| match slot {
        Slot::Unlocked(_) => Outcome::Lock,
        Slot::Vacant | Slot::Conflict(_) => Outcome::Leave,
    });
    // Whatever it was given is dropped here, which unlocks it.
    let end = at.map(|_| "gave up");
    tell(actor, cx, end);
}

const INDEX: Param = Param::Number("index", MAX_INDEX);

impl Seed for Map {
    const OPS: &'static [Op<Self>] = &[
        Op::new(
            "fault",
            &[INDEX, Param::Number("huge", 1), Param::Number("hold", 1)],
            fault,
        ),
        Op::new("invalidate", &[INDEX], invalidate),
        Op::new("scan", &[INDEX], scan),
        Op::new("give-up", &[INDEX], give_up),
    ];

    fn create() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                pages <- new_entry_map!(),
            }),
            GFP_KERNEL,
        )
    }

    fn sleepers(&self) -> Option<usize> {
        // The tree lock is never held for long.
        Some(self.pages.sleepers())
    }
}
