// SPDX-License-Identifier: GPL-2.0

//! KUnit suites of [`EntryMap`]: every outcome at every slot, every way that a wait ends.
//!
//! The waiters are threads; the test's own task gates on `waiters()` and asserts after it has joined
//! them, so that a failed assertion leaves nobody behind.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use baton::{
    entry_map::{
        new_entry_map,
        At,
        DetachedEntry,
        EntryGuard,
        EntryMap,
        Mark,
        Order,
        Outcome,
        Slot,
        SplitError, //
    },
    event::{
        Interruptible,
        Killable,
        Mode,
        ModeAt,
        Timeout,
        Uninterruptible, //
    },
    MaySleep,
    Thread, //
};
use core::ops::ControlFlow;
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta,
        Instant,
        Jiffies,
        Monotonic, //
    },
};

#[path = "entry_map/order.rs"]
mod order;
#[path = "entry_map/ranges.rs"]
mod ranges;
#[path = "entry_map/readers.rs"]
mod readers;
#[path = "entry_map/slots.rs"]
mod slots;
#[path = "entry_map/waits.rs"]
mod waits;
#[path = "entry_map/words.rs"]
mod words;

suite!("entry_map_kunit", "KUnit suites of baton's entry maps");

/// How long a test waits for what must happen before it fails.
fn deadline() -> Jiffies {
    msecs_to_jiffies(10_000)
}

/// How a task's visit to the map has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Pending,
    Left,
    Stored,
    Locked,
    Removed,
    Invalid,
    NoMemory,
    Busy,
    Signal,
    TimedOut,
    Other,
}

impl End {
    const ALL: [End; 11] = [
        End::Pending,
        End::Left,
        End::Stored,
        End::Locked,
        End::Removed,
        End::Invalid,
        End::NoMemory,
        End::Busy,
        End::Signal,
        End::TimedOut,
        End::Other,
    ];

    /// Tells how a visit has ended; unlocks what it has locked.
    fn of<G>(result: Result<At<u64, G>>) -> Self {
        match result {
            Ok(At::Left) => End::Left,
            Ok(At::Stored) => End::Stored,
            Ok(At::Locked(_)) => End::Locked,
            Ok(At::Removed(_)) => End::Removed,
            Err(error) if error == EINVAL => End::Invalid,
            Err(error) if error == ENOMEM => End::NoMemory,
            Err(error) if error == EAGAIN => End::Busy,
            Err(error) if error == ERESTARTSYS => End::Signal,
            Err(error) if error == ETIMEDOUT => End::TimedOut,
            Err(_) => End::Other,
        }
    }
}

/// A thread that visits the map. If a test gives up on it, it is killed, so that it does not wait for
/// what the test holds.
struct Visitor(Option<Thread>);

impl Visitor {
    fn interrupt(&self) {
        if let Some(thread) = &self.0 {
            thread.interrupt();
        }
    }

    fn kill(&self) {
        if let Some(thread) = &self.0 {
            thread.kill();
        }
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        self.kill();
    }
}

type Plan = fn(Slot<u64>) -> Outcome<u64>;

/// The value of an entry, its order, and whether it is a zero entry.
type Peek = Option<(u64, Order, bool)>;

/// Locks what is there.
fn lock(slot: Slot<u64>) -> Outcome<u64> {
    match slot {
        Slot::Unlocked(_) => Outcome::Lock,
        Slot::Vacant | Slot::Conflict(_) => Outcome::Leave,
    }
}

/// Locks what is there, or makes it: a page fault.
fn fault(slot: Slot<u64>) -> Outcome<u64> {
    match slot {
        Slot::Unlocked(_) => Outcome::Lock,
        Slot::Vacant => Outcome::InsertLocked(7),
        Slot::Conflict(_) => Outcome::Leave,
    }
}

/// Removes what is there.
fn invalidate(slot: Slot<u64>) -> Outcome<u64> {
    match slot {
        Slot::Unlocked(_) => Outcome::Remove,
        Slot::Vacant | Slot::Conflict(_) => Outcome::Leave,
    }
}

/// Looks, and does nothing.
fn look(_: Slot<u64>) -> Outcome<u64> {
    Outcome::Leave
}

/// Asks for what is impossible if there is an entry.
fn insert(_: Slot<u64>) -> Outcome<u64> {
    Outcome::InsertLocked(1)
}

/// A map, and how the visits of up to four threads have ended.
#[pin_data]
struct Gate {
    #[pin]
    map: EntryMap<u64>,
    ended: [Atomic<u32>; 4],
    /// The number of visits that have ended, and of each when it has.
    turns: Atomic<u32>,
    turn: [Atomic<u32>; 4],
}

impl Gate {
    fn new() -> Result<Arc<Self>> {
        Self::with(new_entry_map!())
    }

    /// The same, with a lock that is none of the others' to lockdep.
    fn of_another_class() -> Result<Arc<Self>> {
        Self::with(new_entry_map!())
    }

    fn with(map: impl PinInit<EntryMap<u64>>) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                map <- map,
                ended: [const { Atomic::new(0) }; 4],
                turns: Atomic::new(0),
                turn: [const { Atomic::new(0) }; 4],
            }),
            GFP_KERNEL,
        )
    }

    /// Makes an entry and locks it, in the hands of the test's own task.
    fn take<'c>(
        &self,
        cx: &'c mut MaySleep,
        index: usize,
        order: Order,
    ) -> Result<EntryGuard<'_, 'c, u64>> {
        let mode = Uninterruptible.timeout(deadline());
        self.map
            .at(cx, mode, index, order, fault)?
            .locked()
            .ok_or(EBUSY)
    }

    /// The same, in nobody's hands: the test's own task goes on.
    fn hold(
        &self,
        cx: &mut MaySleep,
        index: usize,
        order: Order,
    ) -> Result<DetachedEntry<'_, u64>> {
        Ok(self.take(cx, index, order)?.detach())
    }

    /// Records that the visit of `id` has ended.
    fn end(&self, id: usize, end: End) {
        self.turn[id].store(self.turns.fetch_add(1, Relaxed), Relaxed);
        self.ended[id].store(end as u32, Relaxed);
    }

    /// Starts a thread that visits `index`, and returns once it waits for the locked entry there.
    fn start(
        self: &Arc<Self>,
        cx: &mut MaySleep,
        id: usize,
        mode: impl ModeAt + Send + 'static,
        (index, order): (usize, Order),
        plan: Plan,
    ) -> Result<Visitor> {
        self.start_with(cx, index, move |gate, cx| {
            let at = gate.map.at(cx, mode, index, order, plan);
            // Under the lock if there is one, so that the turns are in the order of the hand-over.
            if let Ok(At::Locked(_)) = at {
                gate.end(id, End::Locked);
            } else {
                gate.end(id, End::of(at));
            }
        })
    }

    /// Starts a thread that does `f`, and returns once it waits for the entry at `index`.
    fn start_with(
        self: &Arc<Self>,
        cx: &mut MaySleep,
        index: usize,
        f: impl FnOnce(&Arc<Self>, &mut MaySleep) + Send + 'static,
    ) -> Result<Visitor> {
        let waiting = self.map.waiters(index);
        let gate = self.clone();
        let thread = Thread::spawn(cx, c"entry_waiter", move |cx, _| f(&gate, cx))?;
        let visitor = Visitor(Some(thread));
        self.gate(index, waiting + 1)?;
        Ok(visitor)
    }

    /// Returns once `count` tasks wait for the entry at `index`.
    fn gate(&self, index: usize, count: usize) -> Result {
        let start = Instant::<Monotonic>::now();
        while self.map.waiters(index) != count {
            if start.elapsed() > Delta::from_secs(10) {
                pr_err!("waited 10 s for {} waiters of entry {}\n", count, index);
                return Err(ETIMEDOUT);
            }
            fsleep(Delta::from_micros(100));
        }
        Ok(())
    }

    /// Joins `visitors`, or says which one hangs, and rescues it.
    fn join<const N: usize>(&self, cx: &mut MaySleep, visitors: [Visitor; N]) -> Result {
        let mut hung = false;
        for (number, mut visitor) in visitors.into_iter().enumerate() {
            let Some(thread) = visitor.0.take() else {
                continue;
            };
            if let Err(thread) = thread
                .join_timeout(cx, deadline())
                .map_err(|refused| refused.object)
            {
                pr_err!("thread {} still waits for an entry: a hang\n", number);
                hung = true;
                thread.kill();
                let _ = thread.join(cx);
            }
        }
        if hung {
            return Err(ETIMEDOUT);
        }
        Ok(())
    }

    /// Returns how the first `N` visits have ended.
    fn ends<const N: usize>(&self) -> [End; N] {
        core::array::from_fn(|id| End::ALL[self.ended[id].load(Relaxed) as usize])
    }

    /// Returns the ids of the first `N` visits in the order in which they have ended.
    fn order<const N: usize>(&self) -> [usize; N] {
        let mut ids = core::array::from_fn(|id| id);
        ids.sort_unstable_by_key(|&id| self.turn[id].load(Relaxed));
        ids
    }

    /// Visits `index` without waiting.
    fn try_at(&self, index: usize, order: Order, plan: Plan) -> End {
        End::of(self.map.try_at(index, order, plan))
    }

    /// Returns the value, the order and whether it is a zero entry.
    fn peek(&self, index: usize) -> Peek {
        let mut seen = None;
        let _ = self.map.try_at(index, Order::Pte, |slot| {
            if let Slot::Unlocked(entry) = slot {
                seen = Some((entry.value(), entry.granule().order(), entry.is_zero()));
            }
            Outcome::Leave
        });
        seen
    }

    /// Returns whether the entry is dirty and about to be written.
    fn marks(&self, index: usize) -> (bool, bool) {
        let mut marks = (false, false);
        let _ = self.map.try_at(index, Order::Pte, |slot| {
            if let Slot::Unlocked(entry) = slot {
                marks = (entry.is_marked(Mark::Dirty), entry.is_marked(Mark::ToWrite));
            }
            Outcome::Leave
        });
        marks
    }

    /// Makes an unlocked entry of one index.
    fn put(&self, index: usize, value: u64, dirty: bool) -> Result {
        let guard = self
            .map
            .try_at(index, Order::Pte, |_| Outcome::InsertLocked(value))?
            .locked()
            .ok_or(EINVAL)?;
        if dirty {
            guard.unlock_marked(Mark::Dirty);
        }
        Ok(())
    }
}
