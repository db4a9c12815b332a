// SPDX-License-Identifier: GPL-2.0

//! Entries in hand, and what may be done with one.
//!
//! What does not compile is for `testing/compile-fail/entry_map/`. What lockdep has to know afterwards
//! stands in `lockdep-edges.txt`.

use kernel::prelude::*;

#[kunit_tests(baton_entry_map_order)]
mod order_tests {
    use crate::*;
    use baton::{
        entry_map::Entry,
        level::levels,
        Ordered, //
    };
    use kernel::{
        new_mutex,
        sync::Mutex, //
    };

    levels! {
        mod order {
            EntryKunit,
            Below,
        }
    }

    /// A map with a place in the order, and locks around it.
    #[pin_data]
    struct Disk {
        #[pin]
        map: EntryMap<u64, order::EntryKunit>,
        #[pin]
        below: Ordered<order::Below, Mutex<u64>>,
        #[pin]
        plain: Mutex<u64>,
        #[pin]
        above: Mutex<u64>,
        /// Held while the map is waited for, in each way.
        #[pin]
        locks: Mutex<u64>,
        #[pin]
        visits: Mutex<u64>,
        #[pin]
        removes: Mutex<u64>,
        #[pin]
        scans: Mutex<u64>,
        #[pin]
        writes: Mutex<u64>,
    }

    fn disk() -> Result<Arc<Disk>> {
        Arc::pin_init(
            try_pin_init!(Disk {
                map <- new_entry_map!(),
                below <- Ordered::new(new_mutex!(0, "entry_map_kunit_below")),
                plain <- new_mutex!(0, "entry_map_kunit_plain"),
                above <- new_mutex!(0, "entry_map_kunit_above"),
                locks <- new_mutex!(0, "entry_map_kunit_locks"),
                visits <- new_mutex!(0, "entry_map_kunit_visits"),
                removes <- new_mutex!(0, "entry_map_kunit_removes"),
                scans <- new_mutex!(0, "entry_map_kunit_scans"),
                writes <- new_mutex!(0, "entry_map_kunit_writes"),
            }? Error),
            GFP_KERNEL,
        )
    }

    /// A wait of the test's own task.
    fn limited() -> Timeout<Killable> {
        Killable.timeout(deadline())
    }

    fn seven(slot: Slot<u64>) -> Outcome<u64> {
        fault(slot)
    }

    #[test]
    fn what_stands_below_is_taken_with_an_entry_in_hand() -> Result {
        let cx = &mut MaySleep::assert();
        let disk = disk()?;
        let at = disk.map.at(cx, limited(), 3, Order::Pte, seven)?;
        let mut entry = at.locked().ok_or(EINVAL)?;
        *disk.below.lock_in(entry.inner()) += entry.value();
        // IRQ: a mutex. An edge that no type sees.
        *disk.plain.lock() += 1;
        drop(entry);
        // IRQ: a mutex.
        let above = disk.above.lock();
        let again = disk.map.lock(cx, limited(), 3)?.is_some();
        drop(above);
        assert!(again);
        assert_eq!(*disk.below.lock_in(cx), 7);
        Ok(())
    }

    /// Lockdep knows afterwards what was held there: see `lockdep-edges.txt`. Nothing is found.
    #[test]
    fn what_is_held_is_above_each_way_to_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let disk = disk()?;
        // IRQ: a mutex.
        let held = disk.locks.lock();
        let locked = disk.map.lock(cx, limited(), 3)?.is_some();
        drop(held);
        // IRQ: a mutex.
        let held = disk.visits.lock();
        let at = disk.map.at(cx, limited(), 3, Order::Pte, look)?;
        let visited = at.locked().is_some();
        drop(held);
        // IRQ: a mutex.
        let held = disk.removes.lock();
        let removed = disk.map.invalidate(cx, limited(), .., |_, _, _| ())?;
        drop(held);
        // IRQ: a mutex.
        let held = disk.scans.lock();
        let found = disk
            .map
            .scan(cx, limited(), .., |_| ControlFlow::Break(()))?;
        drop(held);
        // IRQ: a mutex.
        let held = disk.writes.lock();
        let written = disk.map.write_back(cx, limited(), .., |_| Ok(()))?;
        drop(held);
        assert_eq!((locked, visited, found), (false, false, None));
        assert_eq!((removed, written), (0, 0));
        Ok(())
    }

    #[test]
    fn several_entries_are_locked_in_the_order_of_their_indices() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        for index in [3, 5, 9] {
            gate.put(index, index as u64, false)?;
        }
        let mut first = gate.take(cx, 5, Order::Pte)?;
        let same = first.lock_next(limited(), 5).map(drop);
        let before = first.lock_next(limited(), 3).map(drop);
        let vacant = first.lock_next(limited(), 7)?.is_none();
        let mut second = first.lock_next(limited(), 9)?.ok_or(ENOENT)?;
        let value = second.value();
        let made = second.at_next(limited(), 1000, Order::Pmd, fault)?.locked();
        let huge = made.map(|third| third.granule().base());
        let busy = [5, 9].map(|index| gate.try_at(index, Order::Pte, lock));
        // A huge entry would cover what is in hand.
        let covers = second.at_next(limited(), 20, Order::Pmd, look).map(drop);
        drop(second);
        let still = gate.try_at(5, Order::Pte, lock);
        drop(first);
        let free = [5, 9, 600].map(|index| gate.try_at(index, Order::Pte, lock));
        assert_eq!((same, before), (Err(EDEADLK), Err(EINVAL)));
        assert_eq!(covers, Err(EDEADLK));
        assert!(vacant);
        assert_eq!((value, huge), (9, Some(512)));
        assert_eq!(busy, [End::Busy; 2]);
        assert_eq!(still, End::Busy);
        assert_eq!(free, [End::Locked; 3]);
        Ok(())
    }

    #[test]
    fn what_a_huge_entry_covers_is_not_behind_it() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        gate.put(1024, 2, false)?;
        let mut huge = gate.take(cx, 600, Order::Pmd)?;
        let own = [512, 513, 1023].map(|index| huge.lock_next(limited(), index).map(drop));
        let before = huge.lock_next(limited(), 511).map(drop);
        let behind = huge.lock_next(limited(), 1024)?.map(|next| next.value());
        assert_eq!(own, [Err(EDEADLK); 3]);
        assert_eq!(before, Err(EINVAL));
        assert_eq!(behind, Some(2));
        Ok(())
    }

    #[test]
    fn a_next_entry_is_waited_for() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        gate.put(70, 1, false)?;
        let held = gate.hold(cx, 71, Order::Pte)?;
        let thread = gate.start_with(cx, 71, |gate, cx| {
            let end = gate.map.lock(cx, Killable, 70).and_then(|first| {
                let mut first = first.ok_or(ENOENT)?;
                let second = first.lock_next(Killable, 71)?.ok_or(ENOENT)?;
                Ok(second.value())
            });
            gate.end(
                0,
                if end == Ok(7) {
                    End::Locked
                } else {
                    End::Other
                },
            );
        })?;
        let busy = gate.try_at(70, Order::Pte, lock);
        drop(held);
        gate.join(cx, [thread])?;
        assert_eq!(busy, End::Busy);
        assert_eq!(gate.ends(), [End::Locked]);
        Ok(())
    }

    #[test]
    fn a_closure_that_comes_back_to_its_map_is_refused() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        gate.put(70, 1, false)?;
        // Not a second one of one lock class in the first: lockdep says so.
        let other = Gate::of_another_class()?;
        let (mut refused, mut elsewhere, mut asked) = (None, End::Pending, (1, 1));
        let stored = gate.try_at(8, Order::Pte, |_| Outcome::Insert(2));
        let outer = gate.map.try_at(9, Order::Pte, |_| {
            refused = gate.map.try_at(70, Order::Pte, lock).err();
            elsewhere = other.try_at(70, Order::Pte, fault);
            asked = (gate.map.waiters(70), gate.map.sleepers());
            Outcome::Insert(3)
        });
        let outer = End::of(outer);
        let mut scanned = None;
        let scan = gate.map.scan(cx, limited(), 70.., |_| {
            scanned = gate.map.try_at(8, Order::Pte, invalidate).err();
            ControlFlow::<()>::Continue(())
        });
        assert_eq!((stored, outer), (End::Stored, End::Stored));
        assert_eq!(refused, Some(EDEADLK));
        assert_eq!(elsewhere, End::Locked);
        assert_eq!(asked, (0, 0));
        assert_eq!((scan, scanned), (Ok(None), Some(EDEADLK)));
        // It is not inside any more.
        assert_eq!(gate.peek(8), Some((2, Order::Pte, false)));
        assert_eq!(gate.try_at(70, Order::Pte, lock), End::Locked);
        Ok(())
    }

    /// With a capability that it has no right to.
    #[test]
    fn a_closure_that_waits_for_entries_of_its_map_is_refused() -> Result {
        if cfg!(CONFIG_DEBUG_ATOMIC_SLEEP) {
            // The kernel would report the wait itself.
            return Ok(());
        }
        let gate = Gate::new()?;
        gate.put(70, 1, true)?;
        let (mut removed, mut scanned, mut written, mut waited) = (None, None, None, None);
        let mut locked = None;
        let stored = gate.map.try_at(8, Order::Pte, |_| {
            // ENTRY: none. It is false that nothing is held, which is what this is about.
            let cx = &mut MaySleep::assert();
            removed = gate.map.invalidate(cx, limited(), 70.., |_, _, _| ()).err();
            let look = |_: &Entry<u64>| ControlFlow::<()>::Continue(());
            scanned = gate.map.scan(cx, limited(), 70.., look).err();
            written = gate.map.write_back(cx, limited(), 70.., |_| Ok(())).err();
            waited = gate.map.at(cx, limited(), 70, Order::Pte, lock).err();
            locked = gate.map.lock(cx, limited(), 70).err();
            Outcome::Insert(2)
        });
        let stored = End::of(stored);
        assert_eq!(stored, End::Stored);
        assert_eq!((removed, scanned), (Some(EDEADLK), Some(EDEADLK)));
        assert_eq!((written, waited), (Some(EDEADLK), Some(EDEADLK)));
        assert_eq!(locked, Some(EDEADLK));
        assert_eq!(gate.peek(70), Some((1, Order::Pte, false)));
        Ok(())
    }

    #[test]
    fn a_closure_may_drop_an_entry_of_its_map() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let mut held = Some(gate.hold(cx, 70, Order::Pte)?);
        let waiter = gate.start(cx, 0, Killable, (70, Order::Pte), lock)?;
        // The entry comes to stand at another place of the tree, which grows.
        let end = End::of(gate.map.at(cx, limited(), 1 << 30, Order::Pte, |_| {
            drop(held.take());
            Outcome::Insert(1)
        }));
        gate.join(cx, [waiter])?;
        assert_eq!(end, End::Stored);
        assert_eq!(gate.ends(), [End::Locked]);
        assert_eq!(gate.peek(1 << 30), Some((1, Order::Pte, false)));
        assert_eq!(gate.try_at(70, Order::Pte, lock), End::Locked);
        Ok(())
    }

    /// The nodes of the tree that the visit stands in go away under it.
    #[test]
    fn a_closure_may_remove_an_entry_of_its_map() -> Result {
        let cx = &mut MaySleep::assert();
        for index in [0, 1 << 20] {
            let gate = Gate::new()?;
            let far = (1 << 30) | 5;
            let mut held = Some(gate.hold(cx, far, Order::Pte)?);
            gate.put(index, 4, false)?;
            let removed = End::of(gate.map.try_at(index, Order::Pte, |slot| {
                let _ = held.take().map(DetachedEntry::remove);
                match slot {
                    Slot::Unlocked(_) => Outcome::Replace(5),
                    _ => Outcome::Leave,
                }
            }));
            let mut held = Some(gate.hold(cx, far, Order::Pte)?);
            let made = End::of(gate.map.try_at(far - 1, Order::Pte, |_| {
                let _ = held.take().map(DetachedEntry::remove);
                Outcome::Insert(6)
            }));
            assert_eq!((removed, made), (End::Stored, End::Stored));
            assert_eq!(gate.peek(index), Some((5, Order::Pte, false)));
            assert_eq!(gate.peek(far - 1), Some((6, Order::Pte, false)));
            assert_eq!(gate.peek(far), None);
        }
        Ok(())
    }

    #[test]
    fn a_detached_entry_is_attached_or_unlocked_elsewhere() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        let mut entry = gate.take(cx, 3, Order::Pte)?;
        entry.set(5)?;
        // The capability is free again, and the entry is not.
        let mut entry = entry.detach();
        let busy = End::of(gate.map.try_at_in(cx, 3, Order::Pte, lock));
        entry.mark(Mark::Dirty);
        let entry = entry.attach(cx);
        let value = entry.value();
        entry.unlock();
        let tried = End::of(gate.map.try_at_in(cx, 3, Order::Pte, lock));
        assert_eq!((busy, value, tried), (End::Busy, 5, End::Locked));
        assert_eq!(gate.marks(3), (true, false));
        assert_eq!(gate.try_at(3, Order::Pte, lock), End::Locked);
        Ok(())
    }

    #[test]
    fn split_asks_for_each_value_once() -> Result {
        let cx = &mut MaySleep::assert();
        let gate = Gate::new()?;
        // Values that change with each call: only the first ones count.
        let (mut calls, mut next) = (0, 512);
        let guard = gate.take(cx, 512, Order::Pmd)?;
        guard.split(|index| {
            calls += usize::from(index == next);
            next += 1;
            calls as u64
        })?;
        assert_eq!((calls, next), (512, 1024));
        assert_eq!(gate.peek(512), Some((1, Order::Pte, false)));
        assert_eq!(gate.peek(1023), Some((512, Order::Pte, false)));

        // The last value does not fit: nothing has changed.
        let gate = Gate::new()?;
        let guard = gate.take(cx, 512, Order::Pmd)?;
        let refused = guard.split(|index| if index == 1023 { 1 << 48 } else { 0 });
        let error = refused.map_err(|refused| refused.error);
        assert_eq!(error, Err(EINVAL));
        assert_eq!(gate.peek(512), Some((7, Order::Pmd, false)));
        assert_eq!(gate.peek(1023), Some((7, Order::Pmd, false)));
        Ok(())
    }
}
