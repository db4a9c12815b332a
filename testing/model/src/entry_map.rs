// SPDX-License-Identifier: GPL-2.0

//! The cases of the entry protocol.
//!
//! One entry, in a tree that has room for nothing else. What may never happen: a task that sleeps
//! for ever, two owners at a time, an entry that stays locked, or that stays noted as waited for.

use super::{
    host::{GaveUp, Host, HostSleeper, Mode, Task},
    protocol::Queue,
    state::{decide, Action, Change, Content, End, Granule, Order, Raw, Seen},
    sync::{JoinHandle, Mutex, MutexGuard, Plain},
    wait::{dissolve, unlock, wait, Buckets, Grant, Key, Offer, Place},
};
use crate::Case;
use std::sync::Arc;

/// The only bucket.
struct Bucket(Mutex<Waiters>);

struct Waiters(Queue<Offer, Host>);

// SAFETY: The queue is accessed with the bucket's lock held.
unsafe impl Send for Waiters {}

impl Buckets for Bucket {
    type Platform = Host;

    fn with<R>(&self, _: &Key, f: impl FnOnce(&Queue<Offer, Host>) -> R) -> R {
        f(&mut self.0.lock().unwrap().0)
    }
}

/// What the tree lock protects.
struct Tree {
    entry: Option<Raw>,
    sleepers: isize,
}

struct Map {
    tree: Mutex<Tree>,
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

    fn load(&mut self, held: &mut Held) -> Option<Raw> {
        held.entry
    }

    fn store(&mut self, held: &mut Held, raw: Raw) {
        held.entry = Some(raw);
    }

    fn count(&mut self, held: &mut Held, waits: bool) {
        held.sleepers += if waits { 1 } else { -1 };
    }
}

const CONTENT: Content = Content {
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
            let seen = Seen::new(held.entry, order, mine);
            if let Seen::Busy(raw) = seen {
                mine = match wait(&mut Here(self), held, &self.key(raw), raw, &mut sleeper)? {
                    Grant::Owned => true,
                    Grant::LookAgain => false,
                };
                continue;
            }
            let (change, end) = decide(seen, action(seen), order);
            match change {
                Change::None => (),
                Change::Insert(raw) | Change::Replace(raw) => held.entry = Some(raw),
                Change::Unlock(raw) => self.unlock(&mut held, raw),
                Change::Remove => {
                    let raw = held.entry.take().expect("what is removed is there");
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

    fn unlock(&self, held: &mut Held, raw: Raw) {
        let (raw, granted) = unlock(&self.bucket, &self.key(raw), raw);
        held.sleepers -= granted as isize;
        held.entry = Some(raw);
    }

    /// The drop of an `EntryGuard`.
    fn release(&'static self) {
        self.owner.write();
        let mut held = self.tree.lock().unwrap();
        let raw = held.entry.expect("a locked entry is there");
        assert!(raw.is_locked());
        self.unlock(&mut held, raw);
    }

    /// `EntryGuard::remove()`.
    fn remove(&'static self) {
        self.owner.write();
        let mut held = self.tree.lock().unwrap();
        let raw = held.entry.take().expect("a locked entry is there");
        held.sleepers -= dissolve(&self.bucket, &self.key(raw), raw) as isize;
    }

    /// Nobody is left over: returns the entry, which is not locked.
    fn at_rest(&self) -> Option<Raw> {
        let held = self.tree.lock().unwrap();
        assert_eq!(held.sleepers, 0);
        assert!(!held.entry.is_some_and(Raw::is_locked));
        assert!(!held.entry.is_some_and(Raw::has_waiters));
        held.entry
    }
}

/// A map that the threads of a case share. The case keeps it until it has joined all of them.
struct Shared(Arc<Map>);

impl Shared {
    /// A map with an entry that the case itself owns.
    fn locked(order: Order) -> Self {
        Self::of(Raw::new(CONTENT, order).map(Raw::locked))
    }

    fn of(entry: Option<Raw>) -> Self {
        Self(Arc::new(Map {
            tree: Mutex::new(Tree { entry, sleepers: 0 }),
            bucket: Bucket(Mutex::new(Waiters(Queue::new(false)))),
            owner: Plain::new(),
        }))
    }

    fn lend(&self) -> &'static Map {
        // SAFETY: A case returns, and so drops this, only after it has joined its threads; when it
        // panics, the process ends.
        unsafe { &*Arc::as_ptr(&self.0) }
    }
}

/// What a task came for.
#[derive(Clone, Copy)]
enum Errand {
    /// Remove the entry if it is there: an invalidation.
    Invalidate,
    /// Lock the entry, or make it: a fault.
    Fault,
    /// Look at it and leave: a scan.
    Scan,
    /// Lock it if it is there, then remove it by the guard.
    Evict,
}

impl Errand {
    fn action(self, seen: Seen) -> Action {
        let there = matches!(seen, Seen::Free(_) | Seen::Mine(_));
        match self {
            Errand::Invalidate if there => Action::Remove,
            Errand::Fault | Errand::Evict if there => Action::Lock,
            Errand::Fault if seen == Seen::Vacant => Action::Insert {
                content: CONTENT,
                lock: true,
            },
            _ => Action::Leave,
        }
    }
}

/// A thread with an errand.
struct Runner {
    task: Arc<Task>,
    thread: JoinHandle<()>,
    end: Arc<std::sync::Mutex<Option<Result<End, GaveUp>>>>,
}

impl Runner {
    fn start(map: &Shared, mode: Mode, order: Order, errand: Errand) -> Self {
        let (map, task) = (map.lend(), Task::new());
        let end = Arc::new(std::sync::Mutex::new(None));
        let theirs = end.clone();
        let thread = task.run(move |task| {
            let end = map.at(task, mode, order, |seen| errand.action(seen));
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

    fn join(self) -> Result<End, GaveUp> {
        self.thread.join().unwrap();
        let end = *self.end.lock().unwrap();
        end.expect("the errand has ended")
    }
}

use Mode::{Interruptible, Timeout, Uninterruptible};

fn removals(ends: &[Result<End, GaveUp>]) -> usize {
    ends.iter()
        .filter(|end| matches!(end, Ok(End::Removed(_))))
        .count()
}

/// The bug of `fs/dax.c`: the second of three finds nothing, and must not keep the third waiting.
fn unlock_against_remove_with_three() {
    let map = Shared::locked(Order::Pte);
    let start = || Runner::start(&map, Uninterruptible, Order::Pte, Errand::Invalidate);
    let three = [start(), start(), start()];
    map.lend().release();
    assert_eq!(removals(&three.map(Runner::join)), 1);
    assert_eq!(map.0.at_rest(), None);
}

fn remove_against_two() {
    let map = Shared::locked(Order::Pte);
    let one = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Invalidate);
    let other = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Fault);
    map.lend().remove();
    let ends = [one.join(), other.join()];
    assert!(matches!(ends[1], Ok(End::Locked(_))));
    assert_eq!(map.0.at_rest().is_none(), removals(&ends) == 1);
}

fn one_owner_at_a_time() {
    let map = Shared::locked(Order::Pte);
    let one = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Fault);
    let other = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Fault);
    map.lend().release();
    assert!(matches!(
        [one.join(), other.join()],
        [Ok(End::Locked(_)), Ok(End::Locked(_))]
    ));
    assert!(map.0.at_rest().is_some());
}

fn waiter_that_leaves_hands_on() {
    let map = Shared::locked(Order::Pte);
    let scan = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Scan);
    let other = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Evict);
    map.lend().release();
    assert_eq!(scan.join(), Ok(End::Left));
    assert!(matches!(other.join(), Ok(End::Locked(_))));
    assert_eq!(map.0.at_rest(), None);
}

fn hand_over_against_signal() {
    let map = Shared::locked(Order::Pte);
    let waiter = Runner::start(&map, Interruptible, Order::Pte, Errand::Fault);
    let task = waiter.task.clone();
    let signal = Task::new().run(move |_| task.interrupt());
    map.lend().release();
    signal.join().unwrap();
    assert!(matches!(
        waiter.join(),
        Ok(End::Locked(_)) | Err(GaveUp::Signal)
    ));
    assert!(map.0.at_rest().is_some());
}

fn hand_over_against_timeout() {
    let map = Shared::locked(Order::Pte);
    let waiter = Runner::start(&map, Timeout, Order::Pte, Errand::Fault);
    let task = waiter.task.clone();
    let timer = Task::new().run(move |_| task.expire());
    map.lend().release();
    timer.join().unwrap();
    assert!(matches!(
        waiter.join(),
        Ok(End::Locked(_)) | Err(GaveUp::TimedOut)
    ));
    assert!(map.0.at_rest().is_some());
}

fn signalled_waiter_leaves_another() {
    let map = Shared::locked(Order::Pte);
    let gone = Runner::start(&map, Interruptible, Order::Pte, Errand::Fault);
    let other = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Fault);
    gone.task.interrupt();
    map.lend().release();
    assert!(matches!(
        gone.join(),
        Ok(End::Locked(_)) | Err(GaveUp::Signal)
    ));
    assert!(matches!(other.join(), Ok(End::Locked(_))));
    assert!(map.0.at_rest().is_some());
}

/// The entry is larger than what the waiters ask for: their key is that of what is there.
fn waiters_of_a_larger_entry() {
    let map = Shared::locked(Order::Pmd);
    let small = Runner::start(&map, Uninterruptible, Order::Pte, Errand::Fault);
    let large = Runner::start(&map, Uninterruptible, Order::Pmd, Errand::Invalidate);
    map.lend().release();
    assert!(matches!(small.join(), Ok(End::Locked(_))));
    assert!(matches!(large.join(), Ok(End::Removed(_) | End::Left)));
    map.0.at_rest();
}

/// Eight tasks with all errands and modes, signals and timers, on a map with an owner.
fn crowd_of_errands() {
    let map = Shared::locked(Order::Pte);
    let errands = [
        (Uninterruptible, Errand::Fault),
        (Interruptible, Errand::Invalidate),
        (Timeout, Errand::Fault),
        (Uninterruptible, Errand::Scan),
        (Interruptible, Errand::Fault),
        (Uninterruptible, Errand::Evict),
        (Timeout, Errand::Invalidate),
        (Uninterruptible, Errand::Invalidate),
    ];
    let runners = errands.map(|(mode, errand)| Runner::start(&map, mode, Order::Pte, errand));
    let mut actors = Vec::new();
    for (runner, (mode, _)) in runners.iter().zip(errands) {
        let task = runner.task.clone();
        actors.push(Task::new().run(move |_| match mode {
            Interruptible => task.interrupt(),
            Timeout => task.expire(),
            Uninterruptible | Mode::Freezable => task.wake_up(),
        }));
    }
    map.lend().release();
    actors.into_iter().for_each(|actor| actor.join().unwrap());
    for (runner, (mode, _)) in runners.into_iter().zip(errands) {
        let end = runner.join();
        assert!(end.is_ok() || mode != Uninterruptible);
    }
    map.0.at_rest();
}

/// The cases.
pub const CASES: &[Case] = &[
    Case::bounded(
        "unlock_against_remove_with_three",
        3,
        unlock_against_remove_with_three,
    ),
    Case::bounded("remove_against_two", 4, remove_against_two),
    Case::bounded("one_owner_at_a_time", 4, one_owner_at_a_time),
    Case::bounded(
        "waiter_that_leaves_hands_on",
        4,
        waiter_that_leaves_hands_on,
    ),
    Case::bounded("hand_over_against_signal", 4, hand_over_against_signal),
    Case::bounded("hand_over_against_timeout", 4, hand_over_against_timeout),
    Case::bounded(
        "signalled_waiter_leaves_another",
        4,
        signalled_waiter_leaves_another,
    ),
    Case::bounded("waiters_of_a_larger_entry", 4, waiters_of_a_larger_entry),
    Case::stress("crowd_of_errands", crowd_of_errands),
];
