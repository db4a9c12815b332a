// SPDX-License-Identifier: GPL-2.0

//! Whose debt it is.

use kernel::prelude::*;

#[kunit_tests(baton_registry_debts)]
mod debts_tests {
    use crate::*;
    use baton::{
        completion::LocalCounted,
        drain::{
            new_phased,
            Phased, //
        },
        entry_map::{
            Mark,
            Order,
            Outcome, //
        },
        event::Killable,
        shrinker::{
            shrink_all,
            Reclaim,
            Scanned,
            Seeks,
            Shrink,
            Shrinker, //
        },
        testing, //
    };

    /// A pool that reclaim takes everything from.
    #[pin_data]
    struct Reclaimed {
        #[pin]
        pool: Pool<u32, u32>,
    }

    impl Shrink for Reclaimed {
        fn count(&self) -> usize {
            self.pool.len()
        }

        fn scan(&self, reclaim: &mut Reclaim, _target: usize) -> Scanned {
            // One is given back, and freed by the other.
            drop(reclaim.try_exclusive_oldest(&self.pool, |_| true));
            match reclaim.try_exclusive(&self.pool, 1) {
                Ok(node) => {
                    node.free(reclaim);
                    Scanned::Freed(1)
                }
                Err(_) => Scanned::Stop,
            }
        }
    }

    /// What reclaim takes and gives back is its own.
    #[test]
    fn reclaim_pays_no_debt_of_others() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let cache = Arc::pin_init(
            pin_init!(Reclaimed {
                pool <- new_pool!("registry_kunit_reclaimed"),
            }),
            GFP_KERNEL,
        )?;
        let pin = cache.pool.insert(cx, 0, (), 0, GFP_KERNEL)?;
        drop(cache.pool.insert(cx, 1, (), 0, GFP_KERNEL)?);
        let theirs = cache.clone();
        let thread = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let mode = Interruptible.timeout(msecs_to_jiffies(10_000));
            let (guard, node) = theirs.pool.lock_in(cx).wait_unpinned(mode, 0);
            drop(guard);
            drop(node);
        })?;
        let pid = thread.task().pid();
        let before = asleep(cx, &thread);
        let shrinker = Shrinker::register(cx, c"registry_kunit", Seeks::DEFAULT, cache.clone())?;
        let shrunk = shrink_all(cx);
        let unregistered = shrinker.unregister(cx).is_ok();
        let after = look(cx, pid);
        let left = cache.pool.len();
        drop(pin);
        let _ = thread.join(cx);
        registry::switch(cx, false);

        let (before, after) = (before.ok_or(ENOENT)?, after.ok_or(ENOENT)?);
        assert!(unregistered);
        assert_eq!((shrunk, left), (Ok(()), 1));
        assert_eq!((before.owed, before.debtor), (1, mine()));
        assert_eq!((after.owed, after.debtor), (1, mine()));
        Ok(())
    }

    /// As with an entry that is handed over: who has waited for a node owes it to the next one.
    #[test]
    fn who_is_given_a_node_owes_it() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let pool: Arc<Pool<u32, u32>> =
            Arc::pin_init(new_pool!("registry_kunit_given"), GFP_KERNEL)?;
        let go = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let pin = pool.insert(cx, 0, (), 0, GFP_KERNEL)?;
        let owner = |cx: &mut MaySleep| {
            let (theirs, go) = (pool.clone(), go.clone());
            Thread::spawn(cx, c"registry_kunit", move |cx, _| {
                let mode = Interruptible.timeout(msecs_to_jiffies(10_000));
                let (guard, node) = theirs.lock_in(cx).wait_unpinned(mode, 0);
                drop(guard);
                until(|| go.load(Acquire) != 0);
                drop(node);
            })
        };
        let first = owner(cx)?;
        let first_pid = first.task().pid();
        let first_seen = asleep(cx, &first);
        let second = owner(cx)?;
        let second_pid = second.task().pid();
        let second_seen = asleep(cx, &second);
        drop(pin);
        let given = owed_by(cx, &second, first_pid);
        let after = look(cx, second_pid);
        go.store(1, Release);
        let _ = first.join(cx);
        let _ = second.join(cx);
        registry::switch(cx, false);

        assert_eq!(first_seen.ok_or(ENOENT)?.debtor, mine());
        assert_eq!(second_seen.ok_or(ENOENT)?.debtor, mine());
        assert!(given);
        let after = after.ok_or(ENOENT)?;
        assert_eq!((after.owed, after.debtor), (1, first_pid));
        Ok(())
    }

    /// Nothing refuses that: it has said that somebody else unlocks. Here is who it was.
    #[test]
    fn who_waits_for_what_it_has_detached_owes_it_itself() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let map = map()?;
        let theirs = map.clone();
        let thread = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let Ok(entry) = locked(&theirs, cx, 7) else {
                return;
            };
            let mode = Killable.timeout(msecs_to_jiffies(10_000));
            let again = theirs.lock(cx, mode, 7).map(drop);
            drop((entry, again));
        })?;
        let pid = thread.task().pid();
        let seen = asleep(cx, &thread);
        thread.kill();
        let _ = thread.join(cx);
        registry::switch(cx, false);

        let seen = seen.ok_or(ENOENT)?;
        assert_eq!(seen.kind, Kind::Entry);
        assert_eq!((seen.owed, seen.debtor), (1, pid));
        Ok(())
    }

    /// Whoever could not split an entry has it still.
    #[test]
    fn who_could_not_split_an_entry_owes_it() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let map = map()?;
        let huge = map.at(cx, limited(), 0, Order::Pmd, |_| Outcome::InsertLocked(1))?;
        map.refuse_memory(1);
        let refused = huge.locked().ok_or(EIO)?.split(|_| 2).err();
        let (entry, error) = refused
            .map(|refused| (refused.guard.detach(), refused.error))
            .unzip();
        let theirs = map.clone();
        let thread = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let _ = theirs.lock(cx, limited(), 7).map(drop);
        })?;
        let seen = asleep(cx, &thread);
        drop(entry);
        let _ = thread.join(cx);
        registry::switch(cx, false);

        assert_eq!(error, Some(ENOMEM));
        let seen = seen.ok_or(ENOENT)?;
        assert_eq!((seen.owed, seen.debtor), (1, mine()));
        Ok(())
    }

    /// Whoever had it before owes it no more, however the entry was left.
    #[test]
    fn who_has_left_an_entry_owes_nothing() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let map = map()?;
        drop(locked(&map, cx, 7));
        if let Ok(entry) = locked(&map, cx, 7) {
            entry.unlock_clean();
        }
        let removed = locked(&map, cx, 7).map(|entry| entry.remove());
        let entry = locked(&map, cx, 7);
        let theirs = map.clone();
        let thread = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let _ = theirs.lock(cx, limited(), 7).map(drop);
        })?;
        let seen = asleep(cx, &thread);
        let made = entry.map(drop);
        let _ = thread.join(cx);
        registry::switch(cx, false);

        let seen = seen.ok_or(ENOENT)?;
        assert_eq!((removed, made), (Ok(0), Ok(())));
        assert_eq!((seen.owed, seen.debtor), (1, mine()));
        Ok(())
    }

    /// Nor does who has left it dirty, whether it was before or not.
    #[test]
    fn who_has_left_an_entry_dirty_owes_nothing() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let map = map()?;
        for _ in 0..2 {
            let _ = locked(&map, cx, 7).map(|entry| entry.unlock_marked(Mark::Dirty));
        }
        let entry = locked(&map, cx, 7);
        let theirs = map.clone();
        let thread = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let _ = theirs.lock(cx, limited(), 7).map(drop);
        })?;
        let seen = asleep(cx, &thread);
        let dirty = entry.map(|entry| entry.is_marked(Mark::Dirty));
        let _ = thread.join(cx);
        registry::switch(cx, false);

        let seen = seen.ok_or(ENOENT)?;
        assert_eq!(dirty, Ok(true));
        assert_eq!((seen.owed, seen.debtor), (1, mine()));
        Ok(())
    }

    /// Each of them, until it gives it up.
    #[test]
    fn an_entry_is_owed_by_all_who_share_it() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let (map, go) = (map()?, Arc::new(Atomic::new(1), GFP_KERNEL)?);
        drop(locked(&map, cx, 7)?);
        let first = map.try_lock_shared(7);
        let second = map.try_lock_shared(7);
        let thread = locker(cx, &map, 7, &go)?;
        let two = asleep(cx, &thread);
        drop(second);
        let one = asleep(cx, &thread);
        drop(first);
        let _ = thread.join(cx);
        registry::switch(cx, false);

        let (two, one) = (two.ok_or(ENOENT)?, one.ok_or(ENOENT)?);
        assert_eq!(two.kind, Kind::Entry);
        assert_eq!(two.object.part, 7);
        assert_eq!((two.owed, two.debtor), (2, mine()));
        assert_eq!((one.owed, one.debtor), (1, mine()));
        Ok(())
    }

    /// Who has waited for the gate owes as others do, and who has opened it owes nothing.
    #[test]
    fn who_has_passed_a_gate_owes_the_reference() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let drain: Arc<Drain> = Arc::pin_init(new_drain!("registry_kunit_gate"), GFP_KERNEL)?;
        for _ in 0..3 {
            let _ = drain.shut(cx, limited()).map(drop);
        }
        let reference = drain
            .begin_when_open(cx, limited())
            .map(|active| active.hand_over());
        let closer = drains(cx, &drain)?;
        let closer_pid = closer.task().pid();
        let count = asleep(cx, &closer);
        let theirs = drain.clone();
        let beginner = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let _ = theirs.begin_when_open(cx, limited()).map(drop);
        })?;
        let gate = asleep(cx, &beginner);
        drop(reference);
        let _ = closer.join(cx);
        let _ = beginner.join(cx);
        registry::switch(cx, false);

        let (count, gate) = (count.ok_or(ENOENT)?, gate.ok_or(ENOENT)?);
        assert_eq!((count.owed, count.debtor), (1, mine()));
        assert_eq!((gate.owed, gate.debtor), (1, closer_pid));
        Ok(())
    }

    /// As who has it alone, and who has let go owes nothing.
    #[test]
    fn who_has_a_gate_with_others_owes_it() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let drain: Arc<Drain> = Arc::pin_init(new_drain!("registry_kunit_nested"), GFP_KERNEL)?;
        for _ in 0..3 {
            let _ = drain.shut_nested(cx, limited()).map(drop);
        }
        let shut = drain.shut_nested(cx, limited());
        let cx = &mut MaySleep::assert();
        let theirs = drain.clone();
        let beginner = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let _ = theirs.begin_when_open(cx, limited()).map(drop);
        })?;
        let gate = asleep(cx, &beginner);
        let made = shut.map(drop);
        let _ = beginner.join(cx);
        registry::switch(cx, false);

        assert!(made.is_ok());
        let gate = gate.ok_or(ENOENT)?;
        assert_eq!(gate.kind, Kind::Drain);
        assert_eq!((gate.owed, gate.debtor), (1, mine()));
        Ok(())
    }

    /// What is in flight is owed by who has begun it, and the turn by who waits for that.
    #[test]
    fn references_and_the_turn_of_a_drain_without_a_gate_are_owed() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let drain: Arc<Phased> = Arc::pin_init(new_phased!("registry_kunit_phased"), GFP_KERNEL)?;
        // What has ended is not owed, and neither is a turn that was given on.
        for _ in 0..3 {
            drain.begin(cx).end();
            let _ = drain.wait_present(cx, limited());
        }
        let reference = drain.begin_in_flight();
        let start = |cx: &mut MaySleep| {
            let theirs = drain.clone();
            Thread::spawn(cx, c"registry_kunit", move |cx, _| {
                let _ = theirs.wait_present(cx, limited());
            })
        };
        let first = start(cx)?;
        let first_pid = first.task().pid();
        let count = asleep(cx, &first);
        let second = start(cx)?;
        let turn = asleep(cx, &second);
        reference.end();
        let _ = first.join(cx);
        let _ = second.join(cx);
        registry::switch(cx, false);

        let (count, turn) = (count.ok_or(ENOENT)?, turn.ok_or(ENOENT)?);
        assert_eq!((count.kind, turn.kind), (Kind::Drain, Kind::Drain));
        assert!(count.here && turn.here);
        assert!(turn.object != count.object);
        assert_eq!((count.owed, count.debtor), (1, mine()));
        assert_eq!((turn.owed, turn.debtor), (1, first_pid));
        Ok(())
    }

    /// Whoever can complete owes it, however often it has done so, until it goes.
    #[test]
    fn each_of_those_who_can_complete_owes_it() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let mut kept = None;
        let completion = completion::start_counted(cx, |completer: LocalCounted, _| {
            kept = Some(completer.hand_over());
            Ok(())
        })?;
        let Some(first) = kept else {
            return Err(EIO);
        };
        let second = first.clone();
        let thread = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let _ = completion.wait(cx, limited());
        })?;
        let two = asleep(cx, &thread);
        drop(second);
        let one = asleep(cx, &thread);
        // The last one: the wait ends with an error.
        drop(first);
        let _ = thread.join(cx);
        registry::switch(cx, false);

        let (two, one) = (two.ok_or(ENOENT)?, one.ok_or(ENOENT)?);
        assert_eq!(two.kind, Kind::Completion);
        assert!(two.here);
        assert_eq!((two.owed, two.debtor), (2, mine()));
        assert_eq!((one.owed, one.debtor), (1, mine()));
        Ok(())
    }

    /// Who sleeps is told, and is in the list until it runs, which it does not before this task sleeps.
    #[test]
    fn a_completer_that_was_dropped_owes_nothing() -> Result {
        let cx = &mut MaySleep::assert();
        registry::switch(cx, true);
        let mut kept = None;
        let mut completion = completion::start(cx, |completer: LocalCompleter<u32>, _| {
            kept = Some(completer.hand_over());
            Ok(())
        })?;
        let thread = Thread::spawn(cx, c"registry_kunit", move |cx, _| {
            let _ = testing::stay_on(cx, 0);
            let _ = completion.wait(cx, limited());
        })?;
        let pid = thread.task().pid();
        let before = asleep(cx, &thread);
        let after = testing::first_on(cx, 0, |cx| {
            drop(kept);
            look(cx, pid)
        });
        let _ = thread.join(cx);
        registry::switch(cx, false);

        let before = before.ok_or(ENOENT)?;
        assert_eq!((before.owed, before.debtor), (1, mine()));
        // It is not there any more if this task had to sleep for memory.
        assert!(after?.is_none_or(|seen| seen.owed == 0));
        Ok(())
    }
}
