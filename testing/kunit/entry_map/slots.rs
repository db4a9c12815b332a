// SPDX-License-Identifier: GPL-2.0

//! What an outcome does to a slot, and what a guard does to its entry: one task.

use kernel::prelude::*;

#[kunit_tests(baton_entry_map)]
mod tests {
    use crate::*;
    use baton::{
        block::is_without_io,
        testing::{
            self,
            Allocations,
            Log, //
        },
    };

    #[test]
    fn each_outcome_at_a_vacant_slot() -> Result {
        let gate = Gate::new()?;
        let cases: [(Plan, End, bool); 10] = [
            (|_| Outcome::Clean, End::Invalid, false),
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
            let zero = index >= 8;
            assert_eq!(gate.peek(index), there.then_some((1, Order::Pte, zero)));
        }
        Ok(())
    }

    #[test]
    fn each_outcome_at_an_entry() -> Result {
        let gate = Gate::new()?;
        let cases: [(Plan, End, Peek); 10] = [
            (
                |_| Outcome::Clean,
                End::Stored,
                Some((5, Order::Pte, false)),
            ),
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
        let large = 1 << 48;
        for insert in [
            Outcome::Insert,
            Outcome::InsertLocked,
            Outcome::InsertZero,
            Outcome::InsertZeroLocked,
        ] {
            let refused = End::of(gate.map.try_at(1, Order::Pte, |_| insert(large)));
            assert_eq!(refused, End::Invalid);
        }
        assert_eq!(gate.peek(1), None);
        let taken = End::of(
            gate.map
                .try_at(1, Order::Pte, |_| Outcome::Insert(large - 1)),
        );
        assert_eq!(taken, End::Stored);
        for replace in [Outcome::Replace, Outcome::ReplaceZero] {
            let refused = End::of(gate.map.try_at(1, Order::Pte, |_| replace(large)));
            assert_eq!(refused, End::Invalid);
        }
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
        let mut guard = gate.take(cx, 3, Order::Pte)?;
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

        gate.take(cx, 3, Order::Pte)?.unlock_marked(Mark::ToWrite);
        assert_eq!(gate.marks(3), (true, true));
        let mut guard = gate.take(cx, 3, Order::Pte)?;
        guard.clear(Mark::Dirty);
        guard.set(9)?;
        drop(guard);
        assert_eq!(gate.peek(3), Some((9, Order::Pte, false)));
        assert_eq!(gate.marks(3), (false, true));
        gate.take(cx, 3, Order::Pte)?.unlock_clean();
        assert_eq!(gate.marks(3), (false, false));

        gate.take(cx, 3, Order::Pte)?.unlock_marked(Mark::Dirty);
        assert_eq!(gate.take(cx, 3, Order::Pte)?.remove(), 9);
        assert_eq!(gate.peek(3), None);
        gate.put(3, 1, false)?;
        assert_eq!(gate.marks(3), (false, false));
        Ok(())
    }

    #[test]
    fn a_huge_entry_is_split() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let mut guard = gate.take(cx, 512, Order::Pmd)?;
        guard.mark(Mark::Dirty);

        gate.map.refuse_memory(1);
        let Err(SplitError { guard, error }) = guard.split(|index| index as u64) else {
            return Err(EINVAL);
        };
        assert_eq!(error, ENOMEM);
        let Err(SplitError { guard, error }) = guard.split(|index| (index as u64) << 50) else {
            return Err(EINVAL);
        };
        assert_eq!(error, EINVAL);
        assert_eq!(gate.try_at(700, Order::Pte, look), End::Busy);

        guard.split(|index| index as u64)?;
        for index in 512..1024 {
            assert_eq!(gate.peek(index), Some((index as u64, Order::Pte, false)));
            assert_eq!(gate.marks(index), (true, false));
        }
        assert_eq!(gate.try_at(600, Order::Pte, invalidate), End::Removed);
        assert_eq!(gate.peek(601), Some((601, Order::Pte, false)));

        let small = gate.take(cx, 601, Order::Pte)?.split(|_| 0);
        assert_eq!(small.err().map(|refused| refused.error), Some(EINVAL));
        Ok(())
    }

    #[test]
    fn a_huge_zero_entry_is_split_into_zero_entries() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let mut guard = gate.take(cx, 1024, Order::Pmd)?;
        guard.set_zero(1)?;
        guard.split(|index| index as u64)?;
        for index in [1024, 1025, 1535] {
            assert_eq!(gate.peek(index), Some((index as u64, Order::Pte, true)));
            assert_eq!(gate.marks(index), (false, false));
        }
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
        let section = testing::any_context(cx);
        drop(guard);
        let removed = gate.try_at(3, Order::Pte, invalidate);
        drop(section);
        assert_eq!(removed, End::Removed);
        Ok(())
    }

    /// What does not wait leaves them as they were.
    #[test]
    fn interrupts_are_on_or_off_as_before() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let plans: [Plan; 4] = [
            |_| Outcome::Insert(1),
            look,
            |_| Outcome::Replace(2),
            invalidate,
        ];
        let (mut before, mut within) = ([true; 4], [false; 4]);
        for (plan, off) in plans.into_iter().zip(&mut before) {
            let _ = gate.try_at(3, Order::Pte, plan);
            *off = testing::irqs_off();
        }
        let section = testing::any_context(cx);
        for (plan, off) in plans.into_iter().zip(&mut within) {
            let _ = gate.try_at(3, Order::Pte, plan);
            *off = testing::irqs_off();
        }
        drop(section);
        assert_eq!(before, [false; 4]);
        assert_eq!(within, [!cfg!(CONFIG_PREEMPT_RT); 4]);
        assert_eq!(gate.peek(3), None);
        Ok(())
    }

    #[test]
    fn a_forgotten_guard_leaves_the_entry_locked() -> Result {
        let cx = &mut MaySleep::assert();
        let mut map: Pin<KBox<EntryMap<u64>>> = KBox::pin_init(new_entry_map!(), GFP_KERNEL)?;
        // Not in hand: to lockdep its task would hold it for ever, and lockdep would say so.
        let entry = map.at(cx, Uninterruptible, 3, Order::Pte, fault)?;
        core::mem::forget(entry.map_locked(EntryGuard::detach));
        let busy = End::of(map.try_at(3, Order::Pte, lock));
        let log = Log::here();
        let mut cleared = 0;
        let forgotten = map
            .as_mut()
            .clear(|granule, value| cleared += granule.base() as u64 + value);
        let told = log.lines(&[
            "entry map ",
            "entry_map/slots.rs:",
            ": 1 entries are locked and their guards forgotten, the first at 3",
        ]);
        let again = map.as_mut().clear(|_, _| ());
        let vacant = End::of(map.try_at(3, Order::Pte, lock));
        let told_again = log.lines(&["guards forgotten"]);
        assert_eq!((forgotten, again), (1, 0));
        assert_eq!((told, told_again), (1, 1));
        assert_eq!(busy, End::Busy);
        assert_eq!(cleared, 10);
        assert_eq!(vacant, End::Left);
        Ok(())
    }

    #[test]
    fn a_map_that_goes_away_names_forgotten_guards() -> Result {
        let cx = &mut MaySleep::assert();
        let log = Log::here();
        drop(filled_map()?);
        let nothing = log.lines(&["guards forgotten"]);
        let map = filled_map()?;
        for index in [6, 5] {
            let entry = map.at(cx, Uninterruptible, index, Order::Pte, fault)?;
            core::mem::forget(entry.map_locked(EntryGuard::detach));
        }
        drop(map);
        let told =
            log.lines(&[": 2 entries are locked and their guards forgotten, the first at 5"]);
        assert_eq!((nothing, told), (0, 1));
        Ok(())
    }

    /// A map with the unlocked entries 4 and 6.
    fn filled_map() -> Result<Pin<KBox<EntryMap<u64>>>> {
        let map: Pin<KBox<EntryMap<u64>>> = KBox::pin_init(new_entry_map!(), GFP_KERNEL)?;
        for index in [4, 6] {
            let _ = map.try_at(index, Order::Pte, |_| Outcome::Insert(1))?;
        }
        Ok(map)
    }

    #[test]
    fn what_came_of_it_is_kept_with_another_guard() -> Result {
        let map = filled_map()?;
        let at = |index, f: Plan| -> Result<_> {
            Ok(map.try_at(index, Order::Pte, f)?.map_locked(|_| 3))
        };
        let left = at(4, |_| Outcome::Leave)?;
        let stored = at(4, |_| Outcome::Replace(2))?;
        let taken = at(4, |_| Outcome::Lock)?;
        let removed = at(4, |_| Outcome::Remove)?;
        assert!(matches!(left, At::Left));
        assert!(matches!(stored, At::Stored));
        assert!(matches!(taken, At::Locked(3)));
        assert!(matches!(removed, At::Removed(2)));
        Ok(())
    }

    #[test]
    fn values_of_every_kind_come_back() -> Result {
        let numbers: Pin<KBox<EntryMap<u32>>> = KBox::pin_init(new_entry_map!(), GFP_KERNEL)?;
        let units: Pin<KBox<EntryMap<()>>> = KBox::pin_init(new_entry_map!(), GFP_KERNEL)?;
        let stored = numbers.try_at(1, Order::Pte, |_| Outcome::InsertLocked(u32::MAX))?;
        let number = stored.locked().map(|entry| entry.value());
        let removed = numbers.try_at(1, Order::Pte, |_| Outcome::Remove)?;
        let unit = units.try_at(1, Order::Pte, |_| Outcome::InsertZeroLocked(()))?;
        let zero = unit.locked().map(|entry| entry.is_zero());
        assert_eq!(number, Some(u32::MAX));
        assert!(matches!(removed, At::Removed(u32::MAX)));
        assert_eq!(zero, Some(true));
        Ok(())
    }

    /// What was allocated to grow a map, and to split an entry; whether the split was without I/O.
    type Got = (Option<Allocations>, Option<Allocations>, bool);

    fn grow_and_split(cx: &mut MaySleep, map: &EntryMap<u64>) -> Result<Got> {
        let (grown, first) = testing::allocations(cx, |cx| {
            // Nothing is there at once, so that it may sleep for it.
            map.refuse_memory(1);
            let at = map.at(cx, Uninterruptible, 1 << 40, Order::Pte, |_| {
                Outcome::Insert(1)
            });
            at.map(drop)
        });
        grown?;
        let huge = map.at(cx, Uninterruptible, 512, Order::Pmd, |_| {
            Outcome::InsertLocked(2)
        })?;
        let huge = huge.locked().ok_or(EIO)?.detach();
        let mut without = true;
        let (split, second) = testing::allocations(cx, |cx| {
            let split = huge.attach(cx).split(|_| {
                without &= is_without_io();
                3
            });
            split.map_err(Error::from)
        });
        split?;
        Ok((first, second, without))
    }

    #[test]
    fn a_map_for_io_gets_memory_without_io() -> Result {
        let cx = &mut MaySleep::assert();
        let any: Pin<KBox<EntryMap<u64>>> = KBox::pin_init(new_entry_map!(), GFP_KERNEL)?;
        let no_io: Pin<KBox<EntryMap<u64>>> = KBox::pin_init(new_entry_map!(NoIo), GFP_KERNEL)?;
        let any = grow_and_split(cx, &any)?;
        let no_io = grow_and_split(cx, &no_io)?;
        let has_io = |seen: Option<Allocations>| seen.map(|seen| (seen.all > 0, seen.with_io > 0));
        // A kernel without trace points shows no allocations.
        let with = [Some((true, true)), None];
        let without = [Some((true, false)), None];
        assert_eq!((any.2, no_io.2), (false, true));
        assert!(with.contains(&has_io(any.0)));
        assert!(with.contains(&has_io(any.1)));
        assert!(without.contains(&has_io(no_io.0)));
        assert!(without.contains(&has_io(no_io.1)));
        Ok(())
    }

    #[test]
    fn clear_visits_each_entry_once() -> Result {
        let mut map: Pin<KBox<EntryMap<u64>>> = KBox::pin_init(new_entry_map!(NoIo), GFP_KERNEL)?;
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
