// SPDX-License-Identifier: GPL-2.0

//! What is done to an entry without the lock of the tree, and the tree around it.

use kernel::prelude::*;

#[kunit_tests(baton_entry_map_word)]
mod word_tests {
    use crate::{
        suite::until,
        *, //
    };
    use baton::{
        entry_map::Value,
        testing, //
    };

    /// Both ends of nodes, and nodes of several levels.
    const INDICES: [usize; 8] = [0, 1, 63, 64, 4095, 4096, 1 << 18, 1 << 30];
    const FAR: usize = 1 << 30;

    /// How far who removes a [`Slow`] is: 1 if it is to wait, 2 if it does, 3 if it may go on.
    static REMOVAL: Atomic<u32> = Atomic::new(0);

    /// A value that is unpacked, once that was asked for, when somebody has let it.
    #[derive(Clone, Copy)]
    struct Slow;

    impl Value for Slow {
        fn to_bits(self) -> u64 {
            0
        }

        fn from_bits(_bits: u64) -> Self {
            if REMOVAL.load(Relaxed) == 1 {
                REMOVAL.store(2, Relaxed);
                let start = Instant::<Monotonic>::now();
                while REMOVAL.load(Relaxed) == 2 && start.elapsed() < Delta::from_secs(10) {
                    core::hint::spin_loop();
                }
            }
            Self
        }
    }

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

    /// What comes to the place of an entry that was removed is not that of who has removed it.
    #[test]
    fn who_removes_an_entry_does_not_unlock_the_next() -> Result {
        let cx = &mut MaySleep::assert();
        let map: Arc<EntryMap<Slow>> = Arc::pin_init(new_entry_map!(), GFP_KERNEL)?;
        // It keeps the part of the tree where both are.
        let _ = map.try_at(71, Order::Pte, |_| Outcome::Insert(Slow))?;
        let held = map
            .try_at(70, Order::Pte, |_| Outcome::InsertLocked(Slow))?
            .locked()
            .ok_or(EINVAL)?;
        REMOVAL.store(1, Relaxed);
        let theirs = map.clone();
        let thread = Thread::spawn(cx, c"entry_maker", move |_, _| {
            until(|| REMOVAL.load(Relaxed) == 2);
            let next = theirs.try_at(70, Order::Pte, |_| Outcome::InsertLocked(Slow));
            REMOVAL.store(3, Relaxed);
            until(|| REMOVAL.load(Relaxed) == 4);
            drop(next);
        })?;
        let _ = held.remove();
        let met = REMOVAL.load(Relaxed);
        let busy = map.try_lock(70).err();
        REMOVAL.store(4, Relaxed);
        let _ = thread.join(cx);
        let free = map.try_lock(70).map(|entry| entry.is_some());
        assert_eq!((met, busy), (3, Some(EAGAIN)));
        assert_eq!(free, Ok(true));
        Ok(())
    }

    /// Looks without sleeping, for ten seconds at most.
    fn spin(mut so: impl FnMut() -> bool) {
        let start = Instant::<Monotonic>::now();
        while !so() && start.elapsed() < Delta::from_secs(10) {
            core::hint::spin_loop();
        }
    }

    /// Somebody is inside of the map, on another CPU, until it was unlocked and locked again.
    #[test]
    fn what_is_free_is_locked_without_the_lock_of_the_tree() -> Result {
        let cx = &mut MaySleep::assert();
        if testing::stay_on(cx, 1).is_err() {
            // There is only one.
            return Ok(());
        }
        testing::stay_on(cx, 0)?;
        let gate = Gate::new()?;
        // By a visit.
        let held = gate.hold(cx, 70, Order::Pte)?;
        let Ok(held) = held.owned_by(gate.clone(), |gate| &gate.map) else {
            return Err(EINVAL);
        };
        let theirs = gate.clone();
        let thread = Thread::spawn(cx, c"entry_outsider", move |cx, _| {
            if testing::stay_on(cx, 1).is_err() {
                return theirs.end(0, End::Other);
            }
            theirs.turns.store(1, Relaxed);
            spin(|| theirs.turns.load(Relaxed) == 2);
            drop(held);
            let end = match theirs.map.try_lock(70) {
                Ok(Some(_)) => End::Locked,
                _ => End::Other,
            };
            theirs.end(0, end);
        })?;
        let there = until(|| gate.turns.load(Relaxed) != 0);
        let mut seen = [End::Pending];
        let inside = End::of(gate.map.try_at(71, Order::Pte, |_| {
            gate.turns.store(2, Relaxed);
            spin(|| gate.ends() != [End::Pending]);
            seen = gate.ends();
            Outcome::Leave
        }));
        gate.join(cx, [Visitor(Some(thread))])?;
        assert!(there);
        assert_eq!(inside, End::Left);
        assert_eq!(seen, [End::Locked]);
        assert_eq!(gate.try_at(70, Order::Pte, lock), End::Locked);
        Ok(())
    }
}
