// SPDX-License-Identifier: GPL-2.0

//! KUnit suites of [`EntryMap`]: every outcome at every slot, every way that a wait ends.
//!
//! The waiters are threads; the test's own task gates on `waiters()` and asserts after it has joined
//! them, so that a failed assertion leaves nobody behind.

use baton::{
    entry_map::{
        new_entry_map,
        At,
        EntryGuard,
        EntryMap,
        Mark,
        Order,
        Outcome,
        Slot, //
    },
    event::{
        Interruptible,
        Killable,
        Mode,
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

module! {
    type: EntryMapKunit,
    name: "entry_map_kunit",
    authors: ["The baton authors"],
    description: "KUnit suites of baton's entry maps",
    license: "GPL",
}

struct EntryMapKunit;

impl kernel::Module for EntryMapKunit {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}

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
    fn of(result: Result<At<'_, u64>>) -> Self {
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

type Plan = fn(Slot<u64>) -> Outcome<u64>;

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
        Arc::pin_init(
            pin_init!(Self {
                map <- new_entry_map!(),
                ended: [const { Atomic::new(0) }; 4],
                turns: Atomic::new(0),
                turn: [const { Atomic::new(0) }; 4],
            }),
            GFP_KERNEL,
        )
    }

    /// Makes an entry and locks it.
    fn hold(&self, cx: &mut MaySleep, index: usize, order: Order) -> Result<EntryGuard<'_, u64>> {
        self.map
            .at(cx, Uninterruptible, index, order, fault)?
            .locked()
            .ok_or(EBUSY)
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
        mode: impl Mode + Send + 'static,
        (index, order): (usize, Order),
        plan: Plan,
    ) -> Result<Thread> {
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
    ) -> Result<Thread> {
        let waiting = self.map.waiters(index);
        let gate = self.clone();
        let thread = Thread::spawn(cx, c"entry_waiter", move |cx, _| f(&gate, cx))?;
        self.gate(index, waiting + 1)?;
        Ok(thread)
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

    /// Joins `threads`, or says which one hangs. A thread that waits killably is rescued.
    fn join<const N: usize>(&self, cx: &mut MaySleep, threads: [Thread; N]) -> Result {
        let mut hung = false;
        for (number, thread) in threads.into_iter().enumerate() {
            if let Err(thread) = thread.join_timeout(cx, deadline()) {
                pr_err!("thread {} still waits for an entry: a hang\n", number);
                hung = true;
                thread.kill();
                thread.join(cx);
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
    fn peek(&self, index: usize) -> Option<(u64, Order, bool)> {
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

/// One task: what an outcome does to a slot.
#[kunit_tests(baton_entry_map)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_at_a_vacant_slot() -> Result {
        let gate = Gate::new()?;
        let cases: [(Plan, End, bool); 9] = [
            (|_| Outcome::Leave, End::Left, false),
            (|_| Outcome::Lock, End::Invalid, false),
            (|_| Outcome::Replace(2), End::Invalid, false),
            (|_| Outcome::ReplaceZero(2), End::Invalid, false),
            (|_| Outcome::Remove, End::Invalid, false),
            (|_| Outcome::Insert(1), End::Stored, true),
            (|_| Outcome::InsertLocked(1), End::Locked, true),
            (|_| Outcome::InsertZero(1), End::Stored, true),
            (|_| Outcome::InsertZeroLocked(1), End::Locked, true),
        ];
        for (index, (plan, end, there)) in cases.into_iter().enumerate() {
            assert_eq!(gate.try_at(index, Order::Pte, plan), end);
            let zero = index >= 7;
            assert_eq!(gate.peek(index), there.then_some((1, Order::Pte, zero)));
        }
        Ok(())
    }

    #[test]
    fn each_outcome_at_an_entry() -> Result {
        let gate = Gate::new()?;
        let cases: [(Plan, End, Option<(u64, Order, bool)>); 9] = [
            (|_| Outcome::Leave, End::Left, Some((5, Order::Pte, false))),
            (|_| Outcome::Lock, End::Locked, Some((5, Order::Pte, false))),
            (
                |_| Outcome::Replace(2),
                End::Stored,
                Some((2, Order::Pte, false)),
            ),
            (
                |_| Outcome::ReplaceZero(2),
                End::Stored,
                Some((2, Order::Pte, true)),
            ),
            (|_| Outcome::Remove, End::Removed, None),
            (
                |_| Outcome::Insert(1),
                End::Invalid,
                Some((5, Order::Pte, false)),
            ),
            (
                |_| Outcome::InsertLocked(1),
                End::Invalid,
                Some((5, Order::Pte, false)),
            ),
            (
                |_| Outcome::InsertZero(1),
                End::Invalid,
                Some((5, Order::Pte, false)),
            ),
            (
                |_| Outcome::InsertZeroLocked(1),
                End::Invalid,
                Some((5, Order::Pte, false)),
            ),
        ];
        for (index, (plan, end, after)) in cases.into_iter().enumerate() {
            gate.put(index, 5, false)?;
            assert_eq!(gate.try_at(index, Order::Pte, plan), end);
            assert_eq!(gate.peek(index), after);
        }
        Ok(())
    }

    #[test]
    fn each_outcome_at_a_conflict() -> Result {
        let gate = Gate::new()?;
        // The first index of the huge entry is free: it is not the place that was asked for.
        gate.put(512 + 200, 5, false)?;
        let mut found = None;
        let end = End::of(gate.map.try_at(512, Order::Pmd, |slot| {
            if let Slot::Conflict(granule) = slot {
                found = Some((granule.base(), granule.last(), granule.order()));
            }
            Outcome::Leave
        }));
        assert_eq!(end, End::Left);
        assert_eq!(found, Some((712, 712, Order::Pte)));
        let plans: [Plan; 5] = [
            |_| Outcome::Lock,
            |_| Outcome::Insert(1),
            |_| Outcome::InsertZeroLocked(1),
            |_| Outcome::Replace(1),
            |_| Outcome::Remove,
        ];
        for plan in plans {
            assert_eq!(gate.try_at(600, Order::Pmd, plan), End::Invalid);
        }
        assert_eq!(gate.peek(712), Some((5, Order::Pte, false)));
        assert_eq!(gate.peek(512), None);
        Ok(())
    }

    #[test]
    fn a_value_that_does_not_fit_is_refused() -> Result {
        let gate = Gate::new()?;
        let large = 1 << 56;
        let refused = End::of(gate.map.try_at(1, Order::Pte, |_| Outcome::Insert(large)));
        assert_eq!(refused, End::Invalid);
        assert_eq!(gate.peek(1), None);
        let taken = End::of(
            gate.map
                .try_at(1, Order::Pte, |_| Outcome::Insert(large - 1)),
        );
        assert_eq!(taken, End::Stored);
        let refused = End::of(gate.map.try_at(1, Order::Pte, |_| Outcome::Replace(large)));
        assert_eq!(refused, End::Invalid);
        assert_eq!(gate.peek(1), Some((large - 1, Order::Pte, false)));
        Ok(())
    }

    #[test]
    fn a_huge_entry_covers_its_indices() -> Result {
        let gate = Gate::new()?;
        let end = gate.try_at(1000, Order::Pmd, |_| Outcome::Insert(9));
        assert_eq!(end, End::Stored);
        for index in [512, 777, 1023] {
            assert_eq!(gate.peek(index), Some((9, Order::Pmd, false)));
        }
        assert_eq!(gate.peek(511), None);
        assert_eq!(gate.peek(1024), None);
        // Through an index in the middle: in place, and as a whole.
        assert_eq!(
            gate.try_at(777, Order::Pte, |_| Outcome::ReplaceZero(3)),
            End::Stored
        );
        assert_eq!(gate.peek(512), Some((3, Order::Pmd, true)));
        assert_eq!(gate.peek(1023), Some((3, Order::Pmd, true)));
        assert_eq!(gate.try_at(777, Order::Pte, invalidate), End::Removed);
        for index in [512, 777, 1023] {
            assert_eq!(gate.peek(index), None);
        }
        Ok(())
    }

    #[test]
    fn a_locked_entry_is_busy_for_others() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let guard = gate.hold(cx, 600, Order::Pmd)?;
        let busy = [
            gate.try_at(512, Order::Pte, lock),
            gate.try_at(1023, Order::Pte, invalidate),
            gate.try_at(1023, Order::Pmd, look),
        ];
        let beside = gate.try_at(1024, Order::Pte, look);
        guard.unlock();
        assert_eq!(busy, [End::Busy; 3]);
        assert_eq!(beside, End::Left);
        assert_eq!(gate.try_at(512, Order::Pte, lock), End::Locked);
        Ok(())
    }

    #[test]
    fn a_guard_sets_marks_and_removes() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let mut guard = gate.hold(cx, 3, Order::Pte)?;
        let place = guard.granule();
        let too_large = guard.set(1 << 60);
        guard.set_zero(8)?;
        guard.mark(Mark::Dirty);
        let marked = (guard.is_marked(Mark::Dirty), guard.is_marked(Mark::ToWrite));
        guard.unlock();
        assert_eq!((place.base(), place.order()), (3, Order::Pte));
        assert_eq!(too_large, Err(EINVAL));
        assert_eq!(marked, (true, false));
        assert_eq!(gate.peek(3), Some((8, Order::Pte, true)));
        assert_eq!(gate.marks(3), (true, false));

        gate.hold(cx, 3, Order::Pte)?.unlock_marked(Mark::ToWrite);
        assert_eq!(gate.marks(3), (true, true));
        let mut guard = gate.hold(cx, 3, Order::Pte)?;
        guard.clear(Mark::Dirty);
        guard.set(9)?;
        drop(guard);
        assert_eq!(gate.peek(3), Some((9, Order::Pte, false)));
        assert_eq!(gate.marks(3), (false, true));
        gate.hold(cx, 3, Order::Pte)?.unlock_clean();
        assert_eq!(gate.marks(3), (false, false));

        gate.hold(cx, 3, Order::Pte)?.unlock_marked(Mark::Dirty);
        assert_eq!(gate.hold(cx, 3, Order::Pte)?.remove(), 9);
        assert_eq!(gate.peek(3), None);
        gate.put(3, 1, false)?;
        assert_eq!(gate.marks(3), (false, false));
        Ok(())
    }

    #[test]
    fn a_huge_entry_is_split() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let mut guard = gate.hold(cx, 512, Order::Pmd)?;
        guard.mark(Mark::Dirty);

        gate.map.refuse_memory(1);
        let Err(refused) = guard.split(cx, |index| index as u64) else {
            return Err(EINVAL);
        };
        let (guard, error) = (refused.guard, refused.error);
        assert_eq!(error, ENOMEM);
        let Err(refused) = guard.split(cx, |index| (index as u64) << 50) else {
            return Err(EINVAL);
        };
        let (guard, error) = (refused.guard, refused.error);
        assert_eq!(error, EINVAL);
        assert_eq!(gate.try_at(700, Order::Pte, look), End::Busy);

        guard.split(cx, |index| index as u64)?;
        for index in 512..1024 {
            assert_eq!(gate.peek(index), Some((index as u64, Order::Pte, false)));
            assert_eq!(gate.marks(index), (true, false));
        }
        assert_eq!(gate.try_at(600, Order::Pte, invalidate), End::Removed);
        assert_eq!(gate.peek(601), Some((601, Order::Pte, false)));

        let small = gate.hold(cx, 601, Order::Pte)?.split(cx, |_| 0);
        assert_eq!(small.err().map(|refused| refused.error), Some(EINVAL));
        Ok(())
    }

    #[test]
    fn memory_is_got_outside_the_lock() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let mut calls = 0;
        gate.map.refuse_memory(1);
        let end = End::of(gate.map.at(cx, Uninterruptible, 70, Order::Pte, |_| {
            calls += 1;
            Outcome::Insert(1)
        }));
        assert_eq!((end, calls), (End::Stored, 2));
        assert_eq!(gate.peek(70), Some((1, Order::Pte, false)));
        Ok(())
    }

    #[test]
    fn no_memory_changes_nothing() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        gate.map.refuse_memory(2);
        let end = End::of(gate.map.at(cx, Uninterruptible, 70, Order::Pmd, insert));
        assert_eq!(end, End::NoMemory);
        gate.map.refuse_memory(1);
        assert_eq!(gate.try_at(70, Order::Pte, insert), End::NoMemory);
        for index in [0, 70, 511] {
            assert_eq!(gate.peek(index), None);
        }
        // An entry that is there needs none.
        gate.put(70, 1, false)?;
        gate.map.refuse_memory(1);
        let end = gate.try_at(70, Order::Pte, |_| Outcome::Replace(2));
        gate.map.refuse_memory(0);
        assert_eq!(end, End::Stored);
        Ok(())
    }

    #[test]
    fn a_guard_can_be_dropped_with_interrupts_off() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let guard = gate.hold(cx, 3, Order::Pte)?;
        let section = cx.interrupts_off();
        drop(guard);
        let removed = gate.try_at(3, Order::Pte, invalidate);
        drop(section);
        assert_eq!(removed, End::Removed);
        Ok(())
    }

    #[test]
    fn a_forgotten_guard_leaves_the_entry_locked() -> Result {
        let cx = &mut MaySleep::assert();
        let mut map = KBox::pin_init(new_entry_map!(), GFP_KERNEL)?;
        core::mem::forget(map.at(cx, Uninterruptible, 3, Order::Pte, fault)?);
        let busy = End::of(map.try_at(3, Order::Pte, lock));
        let mut cleared = 0;
        map.as_mut()
            .clear(|granule, value| cleared += granule.base() as u64 + value);
        assert_eq!(busy, End::Busy);
        assert_eq!(cleared, 10);
        assert_eq!(End::of(map.try_at(3, Order::Pte, lock)), End::Left);
        Ok(())
    }

    #[test]
    fn clear_visits_each_entry_once() -> Result {
        let mut map = KBox::pin_init(new_entry_map!(NoIo), GFP_KERNEL)?;
        let _ = map.try_at(0, Order::Pte, |_| Outcome::Insert(1u64))?;
        let _ = map.try_at(1024, Order::Pmd, |_| Outcome::Insert(2))?;
        let _ = map.try_at(1 << 40, Order::Pte, |_| Outcome::Insert(4))?;
        let mut seen = (0, 0, 0);
        map.as_mut().clear(|granule, value| {
            seen.0 += 1;
            seen.1 += value;
            seen.2 += granule.last() - granule.base();
        });
        assert_eq!(seen, (3, 7, 511));
        Ok(())
    }
}

/// Several tasks: who gets the entry, and who is woken.
#[kunit_tests(baton_entry_map_wait)]
mod wait_tests {
    use super::*;

    const AT: (usize, Order) = (70, Order::Pte);

    #[test]
    fn unlock_hands_over_in_order() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let a = gate.start(cx, 0, Killable, AT, lock)?;
        let b = gate.start(cx, 1, Killable, AT, lock)?;
        let c = gate.start(cx, 2, Killable, AT, lock)?;
        let sleepers = gate.map.sleepers();
        drop(held);
        gate.join(cx, [a, b, c])?;
        assert_eq!(sleepers, 3);
        assert_eq!(gate.ends(), [End::Locked; 3]);
        assert_eq!(gate.order(), [0, 1, 2]);
        assert_eq!(gate.map.sleepers(), 0);
        assert_eq!(gate.try_at(70, Order::Pte, lock), End::Locked);
        Ok(())
    }

    #[test]
    fn nobody_overtakes_a_hand_over() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let a = gate.start_with(cx, 70, |gate, cx| {
            let at = gate.map.at(cx, Killable, 70, Order::Pte, lock);
            // The test's task tries in vain until it has seen that this one has the entry.
            while gate.turns.load(Relaxed) == 0 {
                fsleep(Delta::from_micros(100));
            }
            gate.end(0, End::of(at));
        })?;
        // From here on the entry is the waiter's, whether it runs already or not.
        drop(held);
        let barged = gate.try_at(70, Order::Pte, lock);
        let waiting = gate.map.waiters(70);
        gate.turns.store(1, Relaxed);
        gate.join(cx, [a])?;
        assert_eq!(barged, End::Busy);
        assert_eq!(waiting, 0);
        assert_eq!(gate.ends(), [End::Locked]);
        Ok(())
    }

    /// The `dax` seed: B finds nothing, and C sleeps for ever.
    #[test]
    fn three_invalidators_of_one_entry() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let a = gate.start(cx, 0, Killable, AT, invalidate)?;
        let b = gate.start(cx, 1, Killable, AT, invalidate)?;
        let c = gate.start(cx, 2, Killable, AT, invalidate)?;
        drop(held);
        gate.join(cx, [a, b, c])?;
        assert_eq!(gate.ends(), [End::Removed, End::Left, End::Left]);
        assert_eq!(gate.peek(70), None);
        Ok(())
    }

    #[test]
    fn two_invalidators_and_a_fault() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let a = gate.start(cx, 0, Killable, AT, invalidate)?;
        let b = gate.start(cx, 1, Killable, AT, look)?;
        let c = gate.start(cx, 2, Killable, AT, fault)?;
        drop(held);
        gate.join(cx, [a, b, c])?;
        assert_eq!(gate.ends(), [End::Removed, End::Left, End::Locked]);
        assert_eq!(gate.peek(70), Some((7, Order::Pte, false)));
        Ok(())
    }

    #[test]
    fn whatever_a_waiter_does_passes_it_on() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let a = gate.start(cx, 0, Killable, AT, look)?;
        let b = gate.start(cx, 1, Killable, AT, |_| Outcome::Replace(4))?;
        let c = gate.start(cx, 2, Killable, AT, insert)?;
        let d = gate.start(cx, 3, Killable, AT, |_| Outcome::Replace(1 << 60))?;
        drop(held);
        gate.join(cx, [a, b, c, d])?;
        assert_eq!(
            gate.ends(),
            [End::Left, End::Stored, End::Invalid, End::Invalid]
        );
        assert_eq!(gate.peek(70), Some((4, Order::Pte, false)));
        Ok(())
    }

    #[test]
    fn remove_lets_all_look_again() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let a = gate.start(cx, 0, Killable, AT, look)?;
        let b = gate.start(cx, 1, Killable, AT, insert)?;
        held.remove();
        gate.join(cx, [a, b])?;
        assert_eq!(gate.ends(), [End::Left, End::Locked]);
        Ok(())
    }

    /// In C, those that wait by what they asked for and not by what they found (`23c84eb78375`) hang.
    #[test]
    fn all_indices_of_a_huge_entry_are_one_granule() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 512, Order::Pmd)?;
        let a = gate.start(cx, 0, Killable, (513, Order::Pte), lock)?;
        let b = gate.start(cx, 1, Killable, (700, Order::Pmd), lock)?;
        let c = gate.start(cx, 2, Killable, (1023, Order::Pte), invalidate)?;
        let waiters = [512, 777, 1023, 1024].map(|index| gate.map.waiters(index));
        drop(held);
        gate.join(cx, [a, b, c])?;
        assert_eq!(waiters, [3, 3, 3, 0]);
        assert_eq!(gate.ends(), [End::Locked, End::Locked, End::Removed]);
        assert_eq!(gate.order(), [0, 1, 2]);
        Ok(())
    }

    #[test]
    fn split_lets_all_look_again() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 512, Order::Pmd)?;
        // One of them wants the huge entry, which there is not any more.
        let a = gate.start(cx, 0, Killable, (512, Order::Pmd), insert)?;
        let b = gate.start(cx, 1, Killable, (600, Order::Pte), lock)?;
        let c = gate.start(cx, 2, Killable, (601, Order::Pte), invalidate)?;
        held.split(cx, |_| 0)?;
        gate.join(cx, [a, b, c])?;
        assert_eq!(gate.ends(), [End::Invalid, End::Locked, End::Removed]);
        assert_eq!(gate.map.sleepers(), 0);
        Ok(())
    }

    #[test]
    fn maps_with_the_same_index_are_apart() -> Result {
        let cx = &mut MaySleep::assert();
        let (gate, other) = (Gate::new()?, Gate::new()?);
        let held = gate.hold(cx, 70, Order::Pte)?;
        let kept = other.hold(cx, 70, Order::Pte)?;
        let a = gate.start(cx, 0, Killable, AT, lock)?;
        let b = other.start(cx, 0, Killable, AT, lock)?;
        drop(held);
        gate.join(cx, [a])?;
        let waiting = other.map.waiters(70);
        drop(kept);
        other.join(cx, [b])?;
        assert_eq!(waiting, 1);
        assert_eq!((gate.ends(), other.ends()), ([End::Locked], [End::Locked]));
        Ok(())
    }

    #[test]
    fn a_signal_ends_an_interruptible_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let a = gate.start(cx, 0, Interruptible, AT, lock)?;
        let b = gate.start(cx, 1, Killable, AT, lock)?;
        // The killable one is not disturbed by it.
        b.interrupt();
        a.interrupt();
        gate.join(cx, [a])?;
        let waiting = (gate.map.waiters(70), gate.map.sleepers());
        drop(held);
        gate.join(cx, [b])?;
        assert_eq!(waiting, (1, 1));
        assert_eq!(gate.ends(), [End::Signal, End::Locked]);
        Ok(())
    }

    #[test]
    fn a_fatal_signal_ends_a_killable_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let a = gate.start(cx, 0, Killable, AT, lock)?;
        a.kill();
        gate.join(cx, [a])?;
        // The last one has gone, so the entry says that nobody waits, and is unlocked.
        let waiting = gate.map.waiters(70);
        drop(held);
        assert_eq!(waiting, 0);
        assert_eq!(gate.ends(), [End::Signal]);
        assert_eq!(gate.try_at(70, Order::Pte, lock), End::Locked);
        Ok(())
    }

    #[test]
    fn a_timeout_ends_a_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let end = End::of(gate.map.at(
            cx,
            Uninterruptible.timeout(msecs_to_jiffies(20)),
            70,
            Order::Pte,
            lock,
        ));
        let waiting = gate.map.sleepers();
        drop(held);
        assert_eq!(end, End::TimedOut);
        assert_eq!(waiting, 0);
        assert_eq!(gate.try_at(70, Order::Pte, lock), End::Locked);
        Ok(())
    }

    #[test]
    fn a_grant_wins_over_a_signal() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let a = gate.start(cx, 0, Interruptible, AT, lock)?;
        drop(held);
        a.interrupt();
        gate.join(cx, [a])?;
        assert_eq!(gate.ends(), [End::Locked]);
        Ok(())
    }

    /// `777c6c5f1f6e`: a waiter that was chosen and leaves by a signal must not take that along.
    #[test]
    fn a_signal_against_an_unlock_loses_nothing() -> Result {
        let cx = &mut MaySleep::assert();
        let mut signals = 0;
        let start = Instant::<Monotonic>::now();
        for round in 0..400 {
            let gate = Gate::new()?;
            let held = gate.hold(cx, 70, Order::Pte)?;
            let a = gate.start(cx, 0, Interruptible, AT, lock)?;
            let b = gate.start(cx, 1, Killable, AT, lock)?;
            if round % 2 == 0 {
                a.interrupt();
                drop(held);
            } else {
                drop(held);
                a.interrupt();
            }
            gate.join(cx, [a, b])?;
            let [first, second] = gate.ends();
            signals += u32::from(first == End::Signal);
            assert!(first == End::Signal || first == End::Locked);
            assert_eq!(second, End::Locked);
            assert_eq!(gate.map.sleepers(), 0);
            if start.elapsed() > Delta::from_millis(700) {
                break;
            }
        }
        pr_info!("signals that came first: {}\n", signals);
        Ok(())
    }

    #[test]
    fn another_task_unlocks() -> Result {
        let cx = &mut MaySleep::assert();
        let (gate, other) = (Gate::new()?, Gate::new()?);
        let held = gate.hold(cx, 70, Order::Pte)?;
        // A guard cannot be tied to a map that it does not belong to.
        let Err(held) = held.owned_by(other, |gate| &gate.map) else {
            return Err(EINVAL);
        };
        let Ok(mut held) = held.owned_by(gate.clone(), |gate| &gate.map) else {
            return Err(EINVAL);
        };
        let a = gate.start(cx, 0, Killable, AT, lock)?;
        held.set(11)?;
        let unlocker = Thread::spawn(cx, c"entry_unlocker", move |_, _| drop(held))?;
        gate.join(cx, [unlocker, a])?;
        assert_eq!(gate.ends(), [End::Locked]);
        assert_eq!(gate.peek(70), Some((11, Order::Pte, false)));
        Ok(())
    }
}

/// Operations on ranges.
#[kunit_tests(baton_entry_map_range)]
mod range_tests {
    use super::*;

    /// 70, 75 (dirty), the huge one at 512, 1024 (dirty).
    fn filled() -> Result<Arc<Gate>> {
        let gate = Gate::new()?;
        gate.put(70, 1, false)?;
        gate.put(75, 2, true)?;
        assert_eq!(
            gate.try_at(512, Order::Pmd, |_| Outcome::Insert(4)),
            End::Stored
        );
        gate.put(1024, 8, true)?;
        Ok(gate)
    }

    #[test]
    fn invalidate_removes_what_the_range_touches() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = filled()?;
        let mut seen = (0, 0);
        let count = gate
            .map
            .invalidate(cx, Uninterruptible, 71..600, |_, granule, value| {
                seen = (seen.0 + granule.base(), seen.1 + value);
            })?;
        assert_eq!((count, seen), (2, (75 + 512, 2 + 4)));
        assert_eq!(gate.peek(70), Some((1, Order::Pte, false)));
        assert_eq!(gate.peek(1000), None);
        let empty = gate
            .map
            .invalidate(cx, Uninterruptible, 0..0, |_, _, _| ())?;
        assert_eq!(empty, 0);
        let rest = gate.map.invalidate(cx, Uninterruptible, .., |_, _, _| ())?;
        assert_eq!(rest, 2);
        Ok(())
    }

    #[test]
    fn invalidate_clean_leaves_what_is_marked() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = filled()?;
        let count = gate
            .map
            .invalidate_clean(cx, Uninterruptible, .., |_, _, _| ())?;
        assert_eq!(count, 2);
        assert_eq!(gate.peek(75), Some((2, Order::Pte, false)));
        assert_eq!(gate.peek(1024), Some((8, Order::Pte, false)));
        Ok(())
    }

    #[test]
    fn invalidate_waits_for_a_locked_entry() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = filled()?;
        let held = gate.hold(cx, 512, Order::Pte)?;
        let thread = gate.start_with(cx, 512, |gate, cx| {
            let count = gate.map.invalidate(cx, Killable, .., |_, _, _| ());
            gate.end(
                0,
                if count == Ok(4) {
                    End::Removed
                } else {
                    End::Other
                },
            );
        })?;
        // What is before it is gone already.
        let before = gate.peek(75);
        drop(held);
        gate.join(cx, [thread])?;
        assert_eq!(before, None);
        assert_eq!(gate.ends(), [End::Removed]);
        assert_eq!(gate.peek(1024), None);
        Ok(())
    }

    #[test]
    fn a_signal_ends_invalidate() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = filled()?;
        let held = gate.hold(cx, 512, Order::Pte)?;
        let thread = gate.start_with(cx, 512, |gate, cx| {
            let count = gate.map.invalidate(cx, Interruptible, .., |_, _, _| ());
            let signal = count == Err(ERESTARTSYS);
            gate.end(0, if signal { End::Signal } else { End::Other });
        })?;
        thread.interrupt();
        gate.join(cx, [thread])?;
        drop(held);
        assert_eq!(gate.ends(), [End::Signal]);
        assert_eq!(gate.peek(512), Some((4, Order::Pmd, false)));
        Ok(())
    }

    #[test]
    fn scan_visits_in_order_and_breaks() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = filled()?;
        let (mut last, mut sum, mut ordered) = (None, 0, true);
        let end = gate
            .map
            .scan(cx, Uninterruptible, .., |entry| -> ControlFlow<()> {
                ordered &= last < Some(entry.granule().base());
                last = Some(entry.granule().base());
                sum += entry.value();
                ControlFlow::Continue(())
            })?;
        assert_eq!((end, sum, ordered), (None, 15, true));
        let found = gate.map.scan(cx, Uninterruptible, 76.., |entry| {
            if entry.value() == 4 {
                ControlFlow::Break(entry.granule().base())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        assert_eq!(found, Some(512));
        Ok(())
    }

    /// Holder, invalidator, scanner, fault: the fourth hanging population of the `dax` seed.
    #[test]
    fn scan_passes_on_what_it_was_handed() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let held = gate.hold(cx, 70, Order::Pte)?;
        let at = (70, Order::Pte);
        let scanner = gate.start_with(cx, 70, |gate, cx| {
            let end = gate
                .map
                .scan(cx, Killable, .., |_| ControlFlow::<()>::Continue(()));
            gate.end(
                0,
                if end == Ok(None) {
                    End::Left
                } else {
                    End::Other
                },
            );
        })?;
        let a = gate.start(cx, 1, Killable, at, invalidate)?;
        let b = gate.start(cx, 2, Killable, at, fault)?;
        drop(held);
        gate.join(cx, [scanner, a, b])?;
        assert_eq!(gate.ends(), [End::Left, End::Removed, End::Locked]);
        Ok(())
    }

    #[test]
    fn write_back_writes_what_is_dirty() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = filled()?;
        let mut written = 0;
        let count = gate.map.write_back(cx, Uninterruptible, .., |_cx, entry| {
            written += entry.value();
            entry.set(entry.value() + 100)
        })?;
        assert_eq!((count, written), (2, 2 + 8));
        assert_eq!(gate.peek(75), Some((102, Order::Pte, false)));
        assert_eq!(
            (gate.marks(75), gate.marks(1024)),
            ((false, false), (false, false))
        );
        let again = gate
            .map
            .write_back(cx, Uninterruptible, .., |_, _| Ok(()))?;
        assert_eq!(again, 0);
        Ok(())
    }

    #[test]
    fn write_back_keeps_the_marks_on_an_error() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = filled()?;
        let result = gate.map.write_back(cx, Uninterruptible, .., |_, entry| {
            if entry.value() == 8 {
                Err(EIO)
            } else {
                Ok(())
            }
        });
        assert_eq!(result, Err(EIO));
        assert_eq!(gate.marks(75), (false, false));
        assert!(gate.marks(1024).0);
        let again = gate
            .map
            .write_back(cx, Uninterruptible, .., |_, _| Ok(()))?;
        assert_eq!(again, 1);
        Ok(())
    }

    #[test]
    fn a_second_writer_waits_for_the_first() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = filled()?;
        let mut second = None;
        let count = gate
            .map
            .write_back(cx, Uninterruptible, 1024.., |cx, entry| {
                let index = entry.granule().base();
                second = Some(gate.start_with(cx, index, |gate, cx| {
                    let count = gate.map.write_back(cx, Killable, 1024.., |_, _| Ok(()));
                    gate.end(
                        0,
                        if count == Ok(0) {
                            End::Left
                        } else {
                            End::Other
                        },
                    );
                })?);
                gate.end(1, End::Stored);
                Ok(())
            })?;
        gate.join(cx, [second.ok_or(EINVAL)?])?;
        assert_eq!(count, 1);
        assert_eq!(gate.ends(), [End::Left, End::Stored]);
        assert_eq!(gate.order(), [1, 0]);
        Ok(())
    }
}
