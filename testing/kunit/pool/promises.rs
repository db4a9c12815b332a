// SPDX-License-Identifier: GPL-2.0

//! What a selection sees and leaves alone, who gets a node, and what is said of one that was forgotten.

use kernel::prelude::*;

#[kunit_tests(baton_pool_promises)]
mod promises_tests {
    use crate::{
        suite::until,
        *, //
    };
    use baton::{
        pool::Key,
        testing::Log, //
    };
    use kernel::str::CString;

    /// The key of the oldest node that nobody has.
    fn oldest(cache: &Cache, cx: &mut MaySleep) -> Option<u32> {
        let node = cache.lock_in(cx).try_exclusive_oldest(|_| true);
        node.map(|node| node.key())
    }

    #[test]
    fn a_selection_sees_what_a_node_is() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        fill(&cache, cx, 2)?;
        let pin = cache.lock_in(cx).pin(1)?;
        let _second = cache.lock_in(cx).pin(1)?;
        let generation = pin.generation();
        let mut seen = [(9, 9, 0, false); 2];
        let mut batch = Batch::with_capacity(cx, 2, GFP_KERNEL)?;
        let mut count = 0;
        let selected = cache.lock_in(cx).select(&mut batch, |node| {
            if let Some(seen) = seen.get_mut(count) {
                *seen = (*node.key, node.pins, node.generation, *node.note);
            }
            count += 1;
            // Is there for the next one.
            *node.note = true;
            *node.key == 1
        });
        let noted = cache
            .lock_in(cx)
            .select(&mut batch, |node| *node.key == 0 && *node.note);
        assert_eq!((selected, count, noted), (1, 2, 1));
        assert_eq!(seen[0].0, 0);
        assert_eq!((seen[0].1, seen[0].3), (0, false));
        assert_eq!(seen[1], (1, 2, generation, true));
        Ok(())
    }

    /// Who looks a node up makes it younger, who selects it does not.
    #[test]
    fn a_selection_makes_nothing_younger() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        fill(&cache, cx, 3)?;
        let mut batch = Batch::with_capacity(cx, 1, GFP_KERNEL)?;
        let selected = cache.lock_in(cx).select(&mut batch, |_| true);
        drop(batch);
        let first = oldest(&cache, cx);
        drop(cache.lock_in(cx).pin(0)?);
        let second = oldest(&cache, cx);
        assert_eq!(selected, 1);
        assert_eq!((first, second), (Some(0), Some(1)));
        Ok(())
    }

    #[test]
    fn what_is_used_is_not_offered_to_an_owner() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        fill(&cache, cx, 3)?;
        let pin = cache.lock_in(cx).pin(0)?;
        let node = cache.lock_in(cx).try_exclusive(1)?;
        // The youngest one: both of the others would be offered before it.
        drop(cache.lock_in(cx).pin(2)?);
        let (mut offered, mut pins) = (0, 0);
        let found = cache.lock_in(cx).try_exclusive_oldest(|node| {
            offered += 1;
            pins += node.pins;
            *node.key == 2
        });
        let key = found.map(|node| node.key());
        drop((pin, node));
        assert_eq!(key, Some(2));
        assert_eq!((offered, pins), (1, 0));
        Ok(())
    }

    #[test]
    fn a_batch_that_is_cleared_has_room_again() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        fill(&cache, cx, 3)?;
        let mut batch = Batch::with_capacity(cx, 2, GFP_KERNEL)?;
        let empty = batch.is_full();
        let first = cache.lock_in(cx).select(&mut batch, |_| true);
        let full = batch.is_full();
        let busy = cache.lock_in(cx).try_exclusive(0).map(drop);
        batch.clear();
        let free = cache.lock_in(cx).try_exclusive(0).map(drop);
        let second = cache.lock_in(cx).select(&mut batch, |_| true);
        let last = batch.pop().map(|pin| pin.key());
        assert_eq!((empty, full), (false, true));
        assert_eq!((first, second), (2, 2));
        assert_eq!((busy, free), (Err(Refused::Busy), Ok(())));
        assert_eq!(last, Some(1));
        Ok(())
    }

    #[test]
    fn what_nobody_has_is_not_waited_for() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        fill(&cache, cx, 2)?;
        let mode = || Interruptible.timeout(msecs_to_jiffies(10_000));
        let (mut guard, result) = cache.lock_in(cx).wait_unpinned(mode(), 0);
        // The guard is there again.
        let beside = guard.pin(1).map(|pin| pin.key());
        drop(guard);
        let Ok(Ok(node)) = result else {
            return Err(EINVAL);
        };
        let key = node.key();
        let owned = cache.lock_in(cx).pin(0).map(drop);
        drop(node);
        let again = cache.lock_in(cx).pin(0).map(drop);
        let (guard, absent) = cache.lock_in(cx).wait_unpinned(mode(), 7);
        drop(guard);
        let absent = absent.map(|node| node.map(drop));
        assert_eq!((key, beside), (0, Ok(1)));
        assert_eq!((owned, again), (Err(Refused::Busy), Ok(())));
        assert_eq!(absent, Ok(Err(Refused::Absent)));
        Ok(())
    }

    /// It is the last one to unpin it who takes it over for who waits.
    #[test]
    fn nobody_comes_between_the_last_unpin_and_who_waits() -> Result {
        let cx = &mut MaySleep::assert();
        for _ in 0..20 {
            let cache = cache()?;
            let ended = Arc::new(Atomic::new(PENDING), GFP_KERNEL)?;
            fill(&cache, cx, 1)?;
            let pin = cache.lock_in(cx).pin(0)?;
            let thread = reaper(cx, &cache, &ended)?;
            let waited = gate_waiters(&cache, 1);
            drop(pin);
            // It is the waiter's, or gone, whether the waiter runs already or not.
            let between = cache.lock_in(cx).pin(0).map(drop);
            let _ = thread.join(cx);
            assert!(waited);
            assert!(between.is_err());
            assert_eq!(ended.load(Relaxed), OWNED);
        }
        Ok(())
    }

    /// Two tasks hand it to each other: who gives it back does so when the other one waits. A third one wants to pin
    /// it all the time, also when it is idle already and nobody has said so yet.
    #[test]
    fn who_pins_comes_after_those_who_wait() -> Result {
        const TURNS: u32 = 500;

        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        let turns = Arc::new(Atomic::new(0u32), GFP_KERNEL)?;
        let between = Arc::new(Atomic::new(0u32), GFP_KERNEL)?;
        let busy = Arc::new(Atomic::new(0u32), GFP_KERNEL)?;
        fill(&cache, cx, 1)?;
        let node = cache.lock_in(cx).try_exclusive(0)?;
        let mut relays = KVec::new();
        for _ in 0..2 {
            let (theirs, turns) = (cache.clone(), turns.clone());
            let relay = Thread::spawn(cx, c"pool_kunit", move |cx, _| loop {
                let mode = Interruptible.timeout(msecs_to_jiffies(10_000));
                let (guard, node) = theirs.lock_in(cx).wait_unpinned(mode, 0);
                drop(guard);
                let Ok(Ok(node)) = node else { return };
                // Then the other one is told that it is gone, and so is who wants to pin it.
                if turns.fetch_add(1, Relaxed) + 1 >= TURNS || !gate_waiters(&theirs, 1) {
                    node.free(cx);
                    return;
                }
                drop(node);
            })?;
            relays.push(relay, GFP_KERNEL)?;
        }
        let waited = gate_waiters(&cache, 2);
        let (theirs, pinned, refused) = (cache.clone(), between.clone(), busy.clone());
        let pinner = Thread::spawn(cx, c"pool_kunit", move |cx, stop| {
            while !stop.requested() {
                let tried = theirs.lock_in(cx).pin(0).map(drop);
                match tried {
                    Ok(()) => pinned.fetch_add(1, Relaxed),
                    Err(Refused::Busy) => refused.fetch_add(1, Relaxed),
                    Err(Refused::Absent) => return,
                };
            }
        })?;
        let tries = until(|| busy.load(Relaxed) > 0);
        drop(node);
        for relay in relays {
            let _ = relay.join(cx);
        }
        let _ = pinner.stop(cx);
        assert!(waited && tries);
        assert_eq!(between.load(Relaxed), 0);
        assert_eq!(turns.load(Relaxed), TURNS);
        assert_eq!(cache.len(), 0);
        Ok(())
    }

    /// It waits for the node that it has seen, not for the next one with this key.
    #[test]
    fn who_waits_is_not_given_another_node_of_the_key() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        let ended = Arc::new(Atomic::new(PENDING), GFP_KERNEL)?;
        fill(&cache, cx, 1)?;
        let node = cache.lock_in(cx).try_exclusive(0)?;
        let thread = reaper(cx, &cache, &ended)?;
        let waited = gate_waiters(&cache, 1);
        let again = node.reuse(cx, 0, false, GFP_KERNEL);
        let _ = thread.join(cx);
        let pin = again.map_err(|(_, error)| error)?;
        let len = cache.len();
        let busy = cache.lock_in(cx).try_exclusive(0).map(drop);
        assert!(waited);
        assert_eq!(ended.load(Relaxed), ABSENT);
        assert_eq!((pin.key(), len, busy), (0, 1, Err(Refused::Busy)));
        Ok(())
    }

    /// Who waits for one node does not stand in the way of who waits for another.
    #[test]
    fn each_node_is_waited_for_by_itself() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        fill(&cache, cx, 2)?;
        let ended = Arc::new(Atomic::new(PENDING), GFP_KERNEL)?;
        let beside = Arc::new(Atomic::new(PENDING), GFP_KERNEL)?;
        let pin = cache.lock_in(cx).pin(0)?;
        let other = cache.lock_in(cx).pin(1)?;
        let first = reaper(cx, &cache, &ended)?;
        let one = gate_waiters(&cache, 1);
        let (theirs, code) = (cache.clone(), beside.clone());
        let second = Thread::spawn(cx, c"pool_kunit", move |cx, _| {
            let mode = Interruptible.timeout(msecs_to_jiffies(10_000));
            let (guard, result) = theirs.lock_in(cx).wait_unpinned(mode, 1);
            drop(guard);
            code.store(
                if matches!(result, Ok(Ok(_))) {
                    OWNED
                } else {
                    OTHER
                },
                Relaxed,
            );
        })?;
        let both = gate_waiters(&cache, 2);
        drop(other);
        let left = gate_waiters(&cache, 1);
        let _ = second.join(cx);
        let early = ended.load(Relaxed);
        drop(pin);
        let _ = first.join(cx);
        assert!(one && both && left);
        assert_eq!(beside.load(Relaxed), OWNED);
        assert_eq!(early, PENDING);
        assert_eq!(ended.load(Relaxed), OWNED);
        Ok(())
    }

    #[test]
    fn a_freed_node_drops_its_payload() -> Result {
        let cx = &mut MaySleep::assert();
        let pool: Pin<KBox<Pool<u32, Arc<()>>>> =
            KBox::pin_init(new_pool!("pool_kunit_payload"), GFP_KERNEL)?;
        let mine = Arc::new((), GFP_KERNEL)?;
        drop(pool.insert(cx, 1, (), mine.clone(), GFP_KERNEL)?);
        // What is refused is dropped as well.
        let twice = pool.insert(cx, 1, (), mine.clone(), GFP_KERNEL).map(drop);
        let node = pool.lock_in(cx).try_exclusive(1)?;
        node.free(cx);
        let len = pool.len();
        let absent = pool.lock_in(cx).pin(1).map(drop);
        assert_eq!(twice, Err(EEXIST));
        assert_eq!(len, 0);
        assert_eq!(absent, Err(Refused::Absent));
        assert!(Arc::into_unique_or_drop(mine).is_some());
        Ok(())
    }

    #[test]
    fn a_payload_that_is_locked_is_not_had_by_trying() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        fill(&cache, cx, 1)?;
        let first = cache.lock_in(cx).pin(0)?;
        let second = cache.lock_in(cx).pin(0)?;
        let mut held = first.lock_in(cx);
        *held = 5;
        let busy = second.try_lock().is_none();
        drop(held);
        let value = second.try_lock().map(|held| *held);
        assert!(busy);
        assert_eq!(value, Some(5));
        Ok(())
    }

    #[test]
    fn a_pool_that_goes_away_names_what_was_forgotten() -> Result {
        let cx = &mut MaySleep::assert();
        let log = Log::here();
        let empty: Pin<KBox<Pool<u32, ()>>> =
            KBox::pin_init(new_pool!("pool_kunit_leaks"), GFP_KERNEL)?;
        drop(empty.insert(cx, 1, (), (), GFP_KERNEL)?);
        drop(empty);
        let nothing = log.lines(&["pool pool_kunit_leaks"]);

        let pool: Pin<KBox<Pool<u32, ()>>> =
            KBox::pin_init(new_pool!("pool_kunit_leaks"), GFP_KERNEL)?;
        for key in [1, 2, 3] {
            drop(pool.insert(cx, key, (), (), GFP_KERNEL)?);
        }
        core::mem::forget(pool.lock_in(cx).pin(2)?);
        let mut guard = pool.lock_in(cx);
        let (pin, line) = (guard.pin(2)?, line!());
        drop(guard);
        core::mem::forget(pin);
        core::mem::forget(pool.lock_in(cx).try_exclusive(3)?);
        let mut at = 0;
        pool.leaks(|leak| {
            if leak.key == 2 && leak.generation == 2 && leak.pins == 2 && !leak.exclusive {
                at = leak.at.line();
            }
        });
        drop(pool);
        let place = CString::try_from_fmt(fmt!("pool/promises.rs:{line}"))?;
        let pins = log.lines(&[
            "pool pool_kunit_leaks: node 2, generation 2, has 2 leaked pins and no owner",
            place.to_str()?,
        ]);
        let owner = log.lines(&[
            "pool pool_kunit_leaks: node 3, generation 3, has 0 leaked pins and an owner",
            "pool/promises.rs:",
        ]);
        let all = log.lines(&["pool pool_kunit_leaks"]);
        assert_eq!(nothing, 0);
        assert_eq!(at, line);
        assert_eq!((pins, owner, all), (1, 1, 2));
        Ok(())
    }

    #[test]
    fn what_is_refused_has_an_errno() {
        assert_eq!(Error::from(Refused::Absent), ENOENT);
        assert_eq!(Error::from(Refused::Busy), EBUSY);
    }

    #[test]
    fn keys_have_numbers_of_their_own() {
        assert_eq!(7u8.number(), 7);
        assert_eq!(u64::MAX.number(), u128::from(u64::MAX));
        assert_eq!(usize::MAX.number(), usize::MAX as u128);
        assert_eq!((1u64, 2u64).number(), (1 << 64) | 2);
        assert_eq!((0u64, u64::MAX).number(), u128::from(u64::MAX));
        assert_eq!((1u32, 2u32).number(), (1 << 32) | 2);
    }
}
