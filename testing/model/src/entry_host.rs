// SPDX-License-Identifier: GPL-2.0

//! A map with one entry, in a tree that has room for nothing else, and tasks with an errand there.

use super::{
    host::{GaveUp, Host, HostSleeper, Mode, Task},
    protocol::{Queue, Sleeper},
    state::{decide, Access, Action, Change, Content, End, Granule, Order, Raw, Seen},
    sync::{AtomicU64, JoinHandle, Mutex, MutexGuard, Plain},
    wait::{count, dissolve, unlock, wait, Buckets, Grant, Key, Offer, Place},
    word::{leave, let_go, note, note_waiter, seize, Word},
};
use std::sync::{
    atomic::Ordering::{Acquire, Relaxed, Release},
    Arc,
};

/// The only bucket.
pub(super) struct Bucket(Mutex<Waiters>);

struct Waiters(Queue<Offer, Host>);

// SAFETY: The queue is accessed with the bucket's lock held.
unsafe impl Send for Waiters {}

impl Bucket {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Waiters(Queue::new(false))))
    }
}

impl Buckets for Bucket {
    type Platform = Host;

    fn with<R>(&self, _: &Key, f: impl FnOnce(&Queue<Offer, Host>) -> R) -> R {
        f(&mut self.0.lock().unwrap().0)
    }
}

/// What the tree lock protects.
struct Tree {
    sleepers: isize,
}

/// The word of the entry, as the tree has it; 0 if there is none.
pub(super) struct Slot(AtomicU64);

fn bits(entry: Option<Raw>) -> u64 {
    entry.map_or(0, |raw| raw.bits() << 1 | 1)
}

impl Slot {
    pub(super) fn new(entry: Option<Raw>) -> Self {
        Self(AtomicU64::new(bits(entry)))
    }

    /// What the owner stores, or who makes an entry, with the tree lock: `rcu_assign_pointer()`.
    pub(super) fn store(&self, entry: Option<Raw>) {
        self.0.store(bits(entry), Release);
    }
}

impl Word for Slot {
    fn load(&self) -> Option<Raw> {
        let bits = self.0.load(Relaxed);
        (bits != 0).then(|| Raw::from_bits(bits >> 1))
    }

    fn exchange_acquire(&self, old: Raw, new: Raw) -> bool {
        let (old, new) = (bits(Some(old)), bits(Some(new)));
        self.0.compare_exchange(old, new, Acquire, Relaxed).is_ok()
    }

    fn exchange_release(&self, old: Raw, new: Raw) -> bool {
        let (old, new) = (bits(Some(old)), bits(Some(new)));
        self.0.compare_exchange(old, new, Release, Relaxed).is_ok()
    }
}

pub struct Map {
    tree: Mutex<Tree>,
    entry: Slot,
    bucket: Bucket,
    /// Is written to by whoever owns the entry.
    owner: Plain,
}

type Held = MutexGuard<'static, Tree>;

/// The place of the entry.
struct Here(&'static Map);

impl Place for Here {
    type Buckets = Bucket;
    type Held = Held;

    fn buckets(&self) -> &Bucket {
        &self.0.bucket
    }

    fn lock(&mut self) -> Held {
        self.0.tree.lock().unwrap()
    }

    fn load(&mut self, _: &mut Held) -> Option<Raw> {
        self.0.entry.load()
    }

    fn note_waiter(&mut self, _: &mut Held, access: Access) -> bool {
        note_waiter(&self.0.entry, access)
    }

    fn note(&mut self, _: &mut Held, readers: u64, waiters: bool) {
        note(&self.0.entry, readers, waiters);
    }

    fn waits(&mut self, held: &mut Held) {
        held.sleepers += 1;
    }

    fn gives_up(&mut self, held: &mut Held, others: usize) {
        held.sleepers -= 1 + others as isize;
    }
}

pub const CONTENT: Content = Content {
    value: 7,
    zero: false,
};

/// The index that everybody asks for; within the entry if that is a large one.
const INDEX: usize = 5;

impl Map {
    fn key(&self, raw: Raw) -> Key {
        Key::new(1, Granule::of(raw, INDEX))
    }

    /// `EntryMap::at()`.
    fn at(
        &'static self,
        task: &Task,
        mode: Mode,
        order: Order,
        action: impl Fn(Seen) -> Action,
    ) -> Result<End, GaveUp> {
        let mut sleeper = HostSleeper::new(task, mode);
        let mut mine = false;
        loop {
            let mut held = self.tree.lock().unwrap();
            let mut seen = Seen::new(self.entry.load(), order, mine);
            if let Seen::Free(_) = seen {
                match seize(&self.entry, Access::Exclusive) {
                    Some(raw) => seen = Seen::Mine(raw),
                    None => continue,
                }
            }
            if let Seen::Busy(raw) = seen {
                let (key, how) = (self.key(raw), Access::Exclusive);
                mine = match wait(&mut Here(self), held, &key, how, &mut sleeper)? {
                    Grant::Owned => true,
                    Grant::LookAgain => false,
                };
                continue;
            }
            let (change, end) = decide(seen, action(seen), order);
            match change {
                Change::None => (),
                Change::Insert(raw) => self.entry.store(Some(raw)),
                Change::Unlock(raw) | Change::UnlockClean(raw) => self.unlock(&mut held, raw),
                Change::Remove => {
                    let raw = self.take();
                    held.sleepers -= dissolve(&self.bucket, &self.key(raw), raw) as isize;
                }
            }
            drop(held);
            if let End::Locked(_) = end {
                self.owner.write();
            }
            return Ok(end);
        }
    }

    /// `Tree::acquire()`: without the tree lock if the entry can be had at once.
    fn acquire(
        &'static self,
        task: &Task,
        mode: Mode,
        access: Access,
    ) -> Result<Option<Raw>, GaveUp> {
        if let Some(raw) = seize(&self.entry, access) {
            return Ok(Some(raw));
        }
        let mut sleeper = HostSleeper::new(task, mode);
        loop {
            let held = self.tree.lock().unwrap();
            let Some(raw) = self.entry.load() else {
                return Ok(None);
            };
            if let Some(raw) = seize(&self.entry, access) {
                return Ok(Some(raw));
            }
            let key = self.key(raw);
            match wait(&mut Here(self), held, &key, access, &mut sleeper)? {
                Grant::LookAgain => continue,
                Grant::Owned => {
                    let _held = self.tree.lock().unwrap();
                    return Ok(self.entry.load());
                }
            }
        }
    }

    /// `EntryMap::lock()`.
    fn lock(&'static self, task: &Task, mode: Mode) -> Result<End, GaveUp> {
        let had = self.acquire(task, mode, Access::Exclusive)?;
        if had.is_some() {
            self.owner.write();
        }
        Ok(had.map_or(End::Left, End::Locked))
    }

    /// `EntryMap::lock_shared()`, and the drop of a `SharedEntry`. Returns whether there was an entry.
    fn read(&'static self, task: &Task, mode: Mode) -> Result<End, GaveUp> {
        if self.acquire(task, mode, Access::Shared)?.is_none() {
            return Ok(End::Left);
        }
        self.owner.read();
        self.leave();
        Ok(End::Stored)
    }

    /// `Tree::leave()`.
    pub fn leave(&'static self) {
        if leave(&self.entry) {
            return;
        }
        let mut held = self.tree.lock().unwrap();
        if !leave(&self.entry) {
            let raw = self.entry.load().expect("a shared entry is there");
            assert_eq!(raw.readers(), 1);
            self.unlock(&mut held, raw);
        }
    }

    /// Removes the entry, which the caller owns.
    fn take(&self) -> Raw {
        let raw = self.entry.load().expect("what is removed is there");
        self.entry.store(None);
        raw
    }

    fn unlock(&self, held: &mut Held, raw: Raw) {
        let (raw, granted) = unlock(&self.bucket, &self.key(raw), raw);
        held.sleepers -= granted as isize;
        self.entry.store(Some(raw));
    }

    /// Waits for the entry, which others have.
    pub fn wait_by<S: Sleeper>(&'static self, mut sleeper: S) -> Result<(), S::GaveUp> {
        let held = self.tree.lock().unwrap();
        let raw = self.entry.load().expect("what others have is there");
        let (key, how) = (self.key(raw), Access::Exclusive);
        wait(&mut Here(self), held, &key, how, &mut sleeper).map(|_| ())
    }

    /// `EntryMap::waiters()`.
    pub fn waiters(&'static self) -> usize {
        let _held = self.tree.lock().unwrap();
        let entry = self.entry.load();
        entry.map_or(0, |raw| count(&self.bucket, &self.key(raw), raw))
    }

    /// All that share the entry leave, but for one: as many as can be at once.
    pub fn leave_but_one(&'static self) {
        let _held = self.tree.lock().unwrap();
        let raw = self.entry.load().expect("a shared entry is there");
        assert_eq!(raw.readers(), Raw::MOST_READERS);
        self.entry.store(Some(raw.shared_by(1)));
    }

    /// The drop of an `EntryGuard`: without the tree lock if nobody waits.
    pub fn release(&'static self) {
        self.owner.write();
        if let_go(&self.entry, CONTENT) {
            return;
        }
        let mut held = self.tree.lock().unwrap();
        let raw = self.entry.load().expect("a locked entry is there");
        assert!(raw.is_locked());
        self.unlock(&mut held, raw);
    }

    /// `EntryGuard::remove()`.
    pub fn remove(&'static self) {
        self.owner.write();
        let mut held = self.tree.lock().unwrap();
        let raw = self.take();
        held.sleepers -= dissolve(&self.bucket, &self.key(raw), raw) as isize;
    }

    /// Nobody is left over: returns the entry, which is not locked.
    pub fn at_rest(&self) -> Option<Raw> {
        let held = self.tree.lock().unwrap();
        assert_eq!(held.sleepers, 0);
        let entry = self.entry.load();
        assert!(!entry.is_some_and(Raw::is_locked));
        assert!(!entry.is_some_and(Raw::has_waiters));
        entry
    }
}

/// A map that the threads of a case share. The case keeps it until it has joined all of them.
pub struct Shared(pub Arc<Map>);

impl Shared {
    /// A map with an entry that the case itself owns.
    pub fn locked(order: Order) -> Self {
        Self::of(Raw::new(CONTENT, order).map(Raw::owned))
    }

    pub fn of(entry: Option<Raw>) -> Self {
        Self(Arc::new(Map {
            tree: Mutex::new(Tree { sleepers: 0 }),
            entry: Slot::new(entry),
            bucket: Bucket::new(),
            owner: Plain::new(),
        }))
    }

    pub fn lend(&self) -> &'static Map {
        // SAFETY: A case returns, and so drops this, only after it has joined its threads; when it
        // panics, the process ends.
        unsafe { &*Arc::as_ptr(&self.0) }
    }
}

/// What a task came for.
#[derive(Clone, Copy)]
pub enum Errand {
    /// Remove the entry if it is there: an invalidation.
    Invalidate,
    /// Lock the entry, or make it: a fault.
    Fault,
    /// Look at it and leave: a scan.
    Scan,
    /// Lock it if it is there, then remove it by the guard.
    Evict,
    /// Lock it if it is there, without the tree lock if nobody has it.
    Use,
    /// Share it if it is there.
    Read,
}

impl Errand {
    fn action(self, seen: Seen) -> Action {
        let there = matches!(seen, Seen::Free(_) | Seen::Mine(_));
        match self {
            Errand::Invalidate if there => Action::Remove,
            Errand::Fault | Errand::Evict | Errand::Use if there => Action::Lock,
            Errand::Fault if seen == Seen::Vacant => Action::Insert {
                content: CONTENT,
                lock: true,
            },
            _ => Action::Leave,
        }
    }
}

/// A thread with an errand.
pub struct Runner {
    pub task: Arc<Task>,
    thread: JoinHandle<()>,
    end: Arc<std::sync::Mutex<Option<Result<End, GaveUp>>>>,
}

impl Runner {
    pub fn start(map: &Shared, mode: Mode, order: Order, errand: Errand) -> Self {
        let (map, task) = (map.lend(), Task::new());
        let end = Arc::new(std::sync::Mutex::new(None));
        let theirs = end.clone();
        let thread = task.run(move |task| {
            let end = match errand {
                Errand::Use => map.lock(task, mode),
                Errand::Read => map.read(task, mode),
                _ => map.at(task, mode, order, |seen| errand.action(seen)),
            };
            if let Ok(End::Locked(_)) = end {
                match errand {
                    Errand::Evict => map.remove(),
                    _ => map.release(),
                }
            }
            *theirs.lock().unwrap() = Some(end);
        });
        Self { task, thread, end }
    }

    pub fn join(self) -> Result<End, GaveUp> {
        self.thread.join().unwrap();
        let end = *self.end.lock().unwrap();
        end.expect("the errand has ended")
    }
}
