// SPDX-License-Identifier: GPL-2.0

//! Whose debt it is.

use kernel::prelude::*;

#[kunit_tests(baton_registry_debts)]
mod debts_tests {
    use crate::*;
    use baton::{
        entry_map::{
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
}
