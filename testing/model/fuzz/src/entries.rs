// SPDX-License-Identifier: GPL-2.0

//! The entry map on the host: two entries under one tree lock, whose waiters are in one bucket.

use super::{
    entry_host::{Bucket, Slot},
    protocol::Sleeper,
    state::{decide, Access, Action, Change, Content, End, Granule, Order, Raw, Seen},
    sync::{Mutex, MutexGuard},
    tasks::{said, Patience, Tasks},
    wait::{dissolve, unlock, wait, Buckets, Grant, Key, Place},
    word::{leave, let_go, note, note_waiter, seize, Word},
};
use crate::{
    shared::{
        entries::{other_value, value, Op, What, ENTRIES},
        program::Step,
        reference::{How, Said},
    },
    stage::{Desk, Sleepers, World},
};

/// What the tree lock protects.
struct Tree {
    sleepers: isize,
}

type Held<'m> = MutexGuard<'m, Tree>;

pub(crate) struct Scene {
    tree: Mutex<Tree>,
    entries: [Slot; ENTRIES],
    bucket: Bucket,
    order: Order,
    tasks: Tasks,
}

/// The place of an entry.
struct Here<'m>(&'m Scene, usize);

impl<'m> Place for Here<'m> {
    type Buckets = Bucket;
    type Held = Held<'m>;

    fn buckets(&self) -> &Bucket {
        &self.0.bucket
    }

    fn lock(&mut self) -> Held<'m> {
        self.0.tree.lock().unwrap()
    }

    fn load(&mut self, _: &mut Held<'m>) -> Option<Raw> {
        self.0.entries[self.1].load()
    }

    fn note_waiter(&mut self, _: &mut Held<'m>, access: Access) -> bool {
        note_waiter(&self.0.entries[self.1], access)
    }

    fn note(&mut self, _: &mut Held<'m>, readers: u64, waiters: bool) {
        note(&self.0.entries[self.1], readers, waiters);
    }

    fn waits(&mut self, held: &mut Held<'m>) {
        held.sleepers += 1;
    }

    fn gives_up(&mut self, held: &mut Held<'m>, others: usize) {
        held.sleepers -= 1 + others as isize;
    }
}

/// What a task has of an entry.
#[derive(Clone, Copy, PartialEq)]
enum Has {
    Nothing,
    /// It is the owner, with the value that is stored when it lets go.
    Owns(u32),
    Shares,
}

fn content(value: u32) -> Content {
    Content {
        value: value.into(),
        zero: false,
    }
}

fn got(raw: Raw) -> Said {
    Said::Got(raw.content().value as u32)
}

impl World for Scene {
    type Reference = crate::shared::entries::Entries;

    fn new(kind: usize) -> Self {
        Self {
            tree: Mutex::new(Tree { sleepers: 0 }),
            entries: std::array::from_fn(|_| Slot::new(None)),
            bucket: Bucket::new(),
            order: if kind == 0 { Order::Pte } else { Order::Pmd },
            tasks: Tasks::new(),
        }
    }

    fn sleepers(&self) -> &dyn Sleepers {
        &self.tasks
    }

    fn work(&self, task: usize, desk: &Desk<Op>) {
        let mut has = [Has::Nothing; ENTRIES];
        while let Some(step) = desk.next(task) {
            let at = usize::from(step.number).saturating_sub(1);
            let said = self.make(step, at, &mut has[at]);
            desk.say(task, said.unwrap_or_else(|said| said));
        }
        for (at, has) in has.into_iter().enumerate() {
            self.let_go(at, has);
        }
    }
}

impl Scene {
    fn make(&self, step: Step<Op>, at: usize, has: &mut Has) -> Result<Said, Said> {
        let task = step.task;
        match step.op {
            Op::Store => return self.at(task, at, What::Store, has),
            Op::Fault => return self.at(task, at, What::Fault, has),
            Op::Evict => return self.at(task, at, What::Evict, has),
            Op::Lock => return self.acquire(task, at, How::Patient, Access::Exclusive, has),
            Op::Locki => return self.acquire(task, at, How::Signals, Access::Exclusive, has),
            Op::Short => return self.acquire(task, at, How::Short, Access::Exclusive, has),
            Op::Share => return self.acquire(task, at, How::Patient, Access::Shared, has),
            Op::Try => return self.try_to(at, Access::Exclusive, has),
            Op::TryShare => return self.try_to(at, Access::Shared, has),
            Op::Unlock => self.let_go(at, std::mem::replace(has, Has::Nothing)),
            Op::Set => *has = Has::Owns(other_value(task)),
            Op::Remove => {
                let Has::Owns(value) = std::mem::replace(has, Has::Nothing) else {
                    return Err(Said::Odd);
                };
                let mut held = self.tree.lock().unwrap();
                self.remove(&mut held, at);
                return Ok(Said::Got(value));
            }
            Op::Signal => return Err(Said::Odd),
        }
        Ok(Said::Done)
    }

    fn key(&self, at: usize, raw: Raw) -> Key {
        // Within the entry if that is a large one.
        Key::new(
            1,
            Granule::of(raw, at * self.order.len() + 5 % self.order.len()),
        )
    }

    fn has(has: &mut Has, raw: Raw, access: Access) -> Said {
        *has = match access {
            Access::Exclusive => Has::Owns(raw.content().value as u32),
            Access::Shared => Has::Shares,
        };
        got(raw)
    }

    /// `EntryMap::at()`.
    fn at(&self, task: usize, at: usize, what: What, has: &mut Has) -> Result<Said, Said> {
        let mut patience = self.tasks.patience(task, How::Patient);
        let mut mine = false;
        loop {
            let mut held = self.tree.lock().unwrap();
            let mut seen = Seen::new(self.entries[at].load(), self.order, mine);
            if let Seen::Free(_) = seen {
                match seize(&self.entries[at], Access::Exclusive) {
                    Some(raw) => seen = Seen::Mine(raw),
                    None => continue,
                }
            }
            if let Seen::Busy(raw) = seen {
                let (key, how) = (self.key(at, raw), Access::Exclusive);
                let grant = wait(&mut Here(self, at), held, &key, how, &mut patience);
                mine = grant.map_err(said)? == Grant::Owned;
                continue;
            }
            let (change, end) = decide(seen, action(seen, what, task), self.order);
            match change {
                Change::None => (),
                Change::Insert(raw) => self.entries[at].store(Some(raw)),
                Change::Unlock(raw) | Change::UnlockClean(raw) => self.unlock(&mut held, at, raw),
                Change::Remove => self.remove(&mut held, at),
            }
            return match end {
                End::Left => Ok(Said::Nothing),
                End::Stored => Ok(Said::Done),
                End::Locked(raw) => Ok(Self::has(has, raw, Access::Exclusive)),
                End::Removed(raw) => Ok(got(raw)),
                End::Illegal => Err(Said::Odd),
            };
        }
    }

    /// `Tree::acquire()`, without a sleeper.
    fn try_to(&self, at: usize, access: Access, has: &mut Has) -> Result<Said, Said> {
        let _held = self.tree.lock().unwrap();
        if self.entries[at].load().is_none() {
            return Ok(Said::Nothing);
        }
        let raw = seize(&self.entries[at], access).ok_or(Said::Busy)?;
        Ok(Self::has(has, raw, access))
    }

    /// `Tree::acquire()`.
    fn acquire(
        &self,
        task: usize,
        at: usize,
        how: How,
        access: Access,
        has: &mut Has,
    ) -> Result<Said, Said> {
        if let Some(raw) = seize(&self.entries[at], access) {
            return Ok(Self::has(has, raw, access));
        }
        let mut patience = self.tasks.patience(task, how);
        loop {
            let held = self.tree.lock().unwrap();
            let Some(raw) = self.entries[at].load() else {
                return Ok(Said::Nothing);
            };
            if let Some(raw) = seize(&self.entries[at], access) {
                return Ok(Self::has(has, raw, access));
            }
            let key = self.key(at, raw);
            match wait(&mut Here(self, at), held, &key, access, &mut patience) {
                Ok(Grant::LookAgain) => continue,
                Ok(Grant::Owned) => {
                    let _held = self.tree.lock().unwrap();
                    let raw = self.entries[at].load().ok_or(Said::Odd)?;
                    return Ok(Self::has(has, raw, access));
                }
                Err(why) => return Err(said(why)),
            }
        }
    }

    /// What the drop of a guard does.
    fn let_go(&self, at: usize, has: Has) {
        let entry = &self.entries[at];
        match has {
            Has::Nothing => {}
            Has::Owns(value) => {
                if let_go(entry, content(value)) {
                    return;
                }
                let mut held = self.tree.lock().unwrap();
                if let Some(raw) = entry.load().and_then(|raw| raw.with(content(value))) {
                    self.unlock(&mut held, at, raw);
                }
            }
            Has::Shares => {
                if leave(entry) {
                    return;
                }
                let mut held = self.tree.lock().unwrap();
                if !leave(entry) {
                    if let Some(raw) = entry.load() {
                        self.unlock(&mut held, at, raw);
                    }
                }
            }
        }
    }

    fn unlock(&self, held: &mut Held<'_>, at: usize, raw: Raw) {
        let (raw, granted) = unlock(&self.bucket, &self.key(at, raw), raw);
        held.sleepers -= granted as isize;
        self.entries[at].store(Some(raw));
    }

    fn remove(&self, held: &mut Held<'_>, at: usize) {
        if let Some(raw) = self.entries[at].load() {
            self.entries[at].store(None);
            held.sleepers -= dissolve(&self.bucket, &self.key(at, raw), raw) as isize;
        }
    }
}

/// What the closure of the map says.
fn action(seen: Seen, what: What, task: usize) -> Action {
    match (seen, what) {
        (Seen::Vacant, What::Store | What::Fault) => Action::Insert {
            content: content(value(task)),
            lock: what == What::Fault,
        },
        (Seen::Mine(_), What::Store) => Action::Replace(content(value(task))),
        (Seen::Mine(_), What::Fault) => Action::Lock,
        (Seen::Mine(_), What::Evict) => Action::Remove,
        _ => Action::Leave,
    }
}
