// SPDX-License-Identifier: GPL-2.0

//! What is done to an entry without the lock of the tree, and the tree around it.

use kernel::prelude::*;

#[kunit_tests(baton_entry_map_word)]
mod word_tests {
    use crate::*;

    /// Both ends of nodes, and nodes of several levels.
    const INDICES: [usize; 8] = [0, 1, 63, 64, 4095, 4096, 1 << 18, 1 << 30];
    const FAR: usize = 1 << 30;

    #[test]
    fn an_entry_is_locked_by_its_index() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        for index in INDICES {
            gate.put(index, index as u64, false)?;
        }
        for index in INDICES {
            let mut guard = gate.map.lock(cx, Killable, index)?.ok_or(ENOENT)?;
            let (value, granule) = (guard.value(), guard.granule());
            let refused = gate.map.try_lock(index).err();
            guard.set(value + 1)?;
            drop(guard);
            assert_eq!((value, granule.base()), (index as u64, index));
            assert_eq!(refused, Some(EAGAIN));
            assert_eq!(gate.peek(index), Some((value + 1, Order::Pte, false)));
        }
        Ok(())
    }

    #[test]
    fn a_lock_without_waiting_is_that_of_the_index() -> Result {
        let gate = Gate::new()?;
        for index in INDICES {
            gate.put(index, index as u64, false)?;
        }
        for index in INDICES {
            let mut guard = gate.map.try_lock(index)?.ok_or(ENOENT)?;
            let value = guard.value();
            let busy = gate.try_at(index, Order::Pte, lock);
            guard.set_zero(value + 1)?;
            drop(guard);
            assert_eq!((value, busy), (index as u64, End::Busy));
            assert_eq!(gate.peek(index), Some((value + 1, Order::Pte, true)));
        }
        assert!(gate.map.try_lock(2)?.is_none());
        assert!(gate.map.try_lock(usize::MAX)?.is_none());
        Ok(())
    }

    #[test]
    fn a_huge_entry_is_locked_by_each_of_its_indices() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        for base in [0, 1536] {
            let end = gate.try_at(base, Order::Pmd, |_| Outcome::Insert(8));
            assert_eq!(end, End::Stored);
            for index in [base, base + 1, base + 64, base + 200, base + 511] {
                let mut guard = gate.map.lock(cx, Killable, index)?.ok_or(ENOENT)?;
                let (value, granule) = (guard.value(), guard.granule());
                let busy = gate.map.try_lock(base + 100).err();
                guard.set(value + 1)?;
                drop(guard);
                assert_eq!((granule.base(), granule.order()), (base, Order::Pmd));
                assert_eq!(busy, Some(EAGAIN));
                assert_eq!(gate.peek(base), Some((value + 1, Order::Pmd, false)));
            }
            assert_eq!(gate.peek(base), Some((13, Order::Pmd, false)));
        }
        Ok(())
    }

    /// The entry of index 0 goes from the head into a node and back, the others stay where they are.
    #[test]
    fn an_entry_in_hand_is_found_when_the_tree_has_changed() -> Result {
        let gate = Gate::new()?;
        for index in [0, 1, 63, 4096] {
            gate.put(index, 1, false)?;
            let mut guard = gate.map.try_lock(index)?.ok_or(ENOENT)?;
            gate.put(FAR, 9, false)?;
            guard.set(2)?;
            drop(guard);
            assert_eq!(gate.peek(index), Some((2, Order::Pte, false)));

            let mut guard = gate.map.try_lock(index)?.ok_or(ENOENT)?;
            let removed = gate.try_at(FAR, Order::Pte, invalidate);
            guard.set(3)?;
            drop(guard);
            assert_eq!(removed, End::Removed);
            assert_eq!(gate.peek(index), Some((3, Order::Pte, false)));

            let guard = gate.map.try_lock(index)?.ok_or(ENOENT)?;
            assert_eq!(guard.remove(), 3);
            assert_eq!(gate.peek(index), None);
        }
        Ok(())
    }

    /// Of a dirty entry the lock of the tree is not needed to leave it dirty.
    #[test]
    fn an_entry_becomes_dirty_and_clean_by_its_index() -> Result {
        let gate = Gate::new()?;
        for index in INDICES {
            gate.put(index, 1, false)?;
        }
        gate.put(65, 1, false)?;
        // Beside one that is clean.
        gate.put(4097, 1, true)?;
        let end = gate.try_at(1024, Order::Pmd, |_| Outcome::Insert(1));
        assert_eq!(end, End::Stored);
        for index in [0, 1, 64, 4096, FAR, 1024, 1300] {
            for value in [2, 3] {
                let mut guard = gate.map.try_lock(index)?.ok_or(ENOENT)?;
                guard.set(value)?;
                guard.unlock_marked(Mark::Dirty);
                let seen = gate.peek(index).map(|(value, _, _)| value);
                assert_eq!((seen, gate.marks(index)), (Some(value), (true, false)));
                assert_eq!(gate.marks(65), (false, false));
            }
            let cleaned = gate.try_at(index, Order::Pte, |_| Outcome::Clean);
            let seen = gate.peek(index).map(|(value, _, _)| value);
            assert_eq!((cleaned, gate.marks(index)), (End::Stored, (false, false)));
            assert_eq!(seen, Some(3));
        }
        Ok(())
    }

    #[test]
    fn a_closure_locks_nothing_of_its_map() -> Result {
        let gate = Gate::new()?;
        gate.put(70, 1, false)?;
        let mut refused = None;
        let stored = gate.map.try_at(8, Order::Pte, |_| {
            refused = gate.map.try_lock(70).err();
            Outcome::Insert(2)
        });
        let stored = End::of(stored);
        assert_eq!((refused, stored), (Some(EDEADLK), End::Stored));
        assert_eq!(gate.try_at(70, Order::Pte, lock), End::Locked);
        Ok(())
    }

    /// Three tasks count in one entry, with and without the lock of the tree, and a fourth one lets the
    /// tree grow and shrink around it.
    #[test]
    fn locks_of_many_tasks_add_up() -> Result {
        const ROUNDS: u32 = 1000;

        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        gate.put(1, 0, false)?;
        let mut start_one = |id| -> Result<Visitor> {
            let theirs = gate.clone();
            let thread = Thread::spawn(cx, c"entry_counter", move |cx, _| {
                for _ in 0..ROUNDS {
                    let Ok(Some(mut guard)) = theirs.map.lock(cx, Killable, 1) else {
                        return theirs.end(id, End::Other);
                    };
                    let value = guard.value();
                    if guard.set(value + 1).is_err() {
                        return theirs.end(id, End::Other);
                    }
                }
                theirs.end(id, End::Locked);
            })?;
            Ok(Visitor(Some(thread)))
        };
        let visitors = [start_one(0)?, start_one(1)?, start_one(2)?];
        let start = Instant::<Monotonic>::now();
        while gate.turns.load(Relaxed) < 3 && start.elapsed() < Delta::from_secs(10) {
            for index in [0, 2, FAR] {
                gate.put(index, 5, false)?;
            }
            for index in [FAR, 2, 0] {
                let _ = gate.try_at(index, Order::Pte, invalidate);
            }
        }
        gate.join(cx, visitors)?;
        assert_eq!(gate.ends(), [End::Locked; 3]);
        assert_eq!(
            gate.peek(1),
            Some((u64::from(3 * ROUNDS), Order::Pte, false))
        );
        Ok(())
    }
}
