// SPDX-License-Identifier: GPL-2.0

//! An entry map in a kernel.

use super::{
    of_error,
    soon,
    stage::{
        self,
        Desk, //
    }, //
};
use crate::shared::{
    entries::{
        other_value,
        value,
        Entries,
        Op,
        What,
        ENTRIES, //
    },
    program::Step,
    reference::Said, //
};
use baton::{
    entry_map::{
        new_entry_map,
        At,
        DetachedEntry,
        DetachedSharedEntry,
        EntryMap,
        Order,
        Outcome,
        Slot, //
    },
    event::{
        Interruptible,
        Killable,
        Mode,
        ModeAt, //
    },
    MaySleep, //
};
use core::{
    array,
    mem, //
};
use kernel::prelude::*;

/// A map, and the order of its entries.
pub(super) struct Scene {
    map: Pin<KBox<EntryMap<u32>>>,
    order: Order,
}

/// What a task has of an entry.
enum Has<'m> {
    Nothing,
    Owns(DetachedEntry<'m, u32>),
    #[allow(dead_code, reason = "it is there to be dropped")]
    Shares(DetachedSharedEntry<'m, u32>),
}

impl stage::Scene for Scene {
    type Reference = Entries;

    fn new(kind: usize) -> Result<Self> {
        Ok(Self {
            map: KBox::pin_init(new_entry_map!(), GFP_KERNEL)?,
            order: if kind == 0 { Order::Pte } else { Order::Pmd },
        })
    }

    fn work(&self, cx: &mut MaySleep, _task: usize, desk: &Desk<Op>) {
        let mut has: [Has<'_>; ENTRIES] = array::from_fn(|_| Has::Nothing);
        while let Some(step) = desk.next() {
            let at = usize::from(step.number).saturating_sub(1);
            let said = match has.get_mut(at) {
                Some(has) => self.make(cx, step, at, has).unwrap_or_else(of_error),
                None => Said::Odd,
            };
            desk.say(said);
        }
    }
}

impl Scene {
    /// Within the entry if that is a large one.
    fn index(&self, at: usize) -> usize {
        at * self.order.len() + 5 % self.order.len()
    }

    fn make<'m>(
        &'m self,
        cx: &mut MaySleep,
        step: Step<Op>,
        at: usize,
        has: &mut Has<'m>,
    ) -> Result<Said> {
        let (task, index) = (step.task, self.index(at));
        match (step.op, has) {
            (Op::Store, has) => self.at(cx, task, index, What::Store, has),
            (Op::Fault, has) => self.at(cx, task, index, What::Fault, has),
            (Op::Evict, has) => self.at(cx, task, index, What::Evict, has),
            (Op::Lock, has) => self.lock(cx, Killable, index, has),
            (Op::Locki, has) => self.lock(cx, Interruptible, index, has),
            (Op::Short, has) => self.lock(cx, Killable.timeout(soon()), index, has),
            (Op::Share, has) => {
                let entry = self.map.lock_shared(cx, Killable, index)?;
                Ok(shares(has, entry.map(|entry| entry.detach())))
            }
            (Op::Try, has) => Ok(owns(has, self.map.try_lock(index)?)),
            (Op::TryShare, has) => Ok(shares(has, self.map.try_lock_shared(index)?)),
            (Op::Unlock, has) => {
                *has = Has::Nothing;
                Ok(Said::Done)
            }
            (Op::Set, Has::Owns(entry)) => {
                entry.set(other_value(task))?;
                Ok(Said::Done)
            }
            (Op::Remove, has) => match mem::replace(has, Has::Nothing) {
                Has::Owns(entry) => Ok(Said::Got(entry.remove())),
                _ => Ok(Said::Odd),
            },
            (Op::Set | Op::Signal, _) => Ok(Said::Odd),
        }
    }

    fn at<'m>(
        &'m self,
        cx: &mut MaySleep,
        task: usize,
        index: usize,
        what: What,
        has: &mut Has<'m>,
    ) -> Result<Said> {
        let value = value(task);
        let at = self
            .map
            .at(cx, Killable, index, self.order, |slot| match (slot, what) {
                (Slot::Vacant, What::Store) => Outcome::Insert(value),
                (Slot::Vacant, What::Fault) => Outcome::InsertLocked(value),
                (Slot::Unlocked(_), What::Store) => Outcome::Replace(value),
                (Slot::Unlocked(_), What::Fault) => Outcome::Lock,
                (Slot::Unlocked(_), What::Evict) => Outcome::Remove,
                _ => Outcome::Leave,
            })?;
        Ok(match at {
            At::Left => Said::Nothing,
            At::Stored => Said::Done,
            At::Locked(entry) => owns(has, Some(entry.detach())),
            At::Removed(value) => Said::Got(value),
        })
    }

    fn lock<'m, M: ModeAt>(
        &'m self,
        cx: &mut MaySleep,
        mode: M,
        index: usize,
        has: &mut Has<'m>,
    ) -> Result<Said> {
        let entry = self.map.lock(cx, mode, index)?;
        Ok(owns(has, entry.map(|entry| entry.detach())))
    }
}

fn owns<'m>(has: &mut Has<'m>, entry: Option<DetachedEntry<'m, u32>>) -> Said {
    match entry {
        None => Said::Nothing,
        Some(entry) => {
            let value = entry.value();
            *has = Has::Owns(entry);
            Said::Got(value)
        }
    }
}

fn shares<'m>(has: &mut Has<'m>, entry: Option<DetachedSharedEntry<'m, u32>>) -> Said {
    match entry {
        None => Said::Nothing,
        Some(entry) => {
            let value = entry.value();
            *has = Has::Shares(entry);
            Said::Got(value)
        }
    }
}
