// SPDX-License-Identifier: GPL-2.0

//! Who uses a node: counted in any context, under any lock, and whatever a key says.

use kernel::prelude::*;

#[kunit_tests(baton_pool_uses)]
mod uses_tests {
    use crate::{
        suite::until,
        *, //
    };
    use baton::{
        pool::Key,
        testing, //
    };

    #[test]
    fn numbers_and_leaks_are_asked_for_under_the_guard() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        fill(&cache, cx, 3)?;
        let pin = cache.lock_in(cx).pin(1)?;
        let guard = cache.lock_in(cx);
        let numbers = (cache.len(), cache.is_empty(), cache.waiters());
        let mut leaks = 0;
        cache.leaks(|leak| leaks += leak.pins + cache.len());
        drop(guard);
        drop(pin);
        assert_eq!(numbers, (3, false, 0));
        assert_eq!(leaks, 4);
        Ok(())
    }

    /// With interrupts off and another pool's guard held, served all the same.
    #[test]
    fn a_pin_is_dropped_anywhere() -> Result {
        let cx = &mut MaySleep::assert();
        let (cache, other) = (cache()?, self::cache()?);
        let ended = Arc::new(Atomic::new(PENDING), GFP_KERNEL)?;
        fill(&cache, cx, 2)?;
        let pin = cache.lock_in(cx).pin(0)?;
        let beside = cache.lock_in(cx).pin(1)?;
        let thread = reaper(cx, &cache, &ended)?;
        let waited = gate_waiters(&cache, 1);
        let guard = other.lock_in(cx);
        drop(beside);
        drop(guard);
        let section = testing::any_context(cx);
        drop(pin);
        drop(section);
        let _ = thread.join(cx);
        let free = cache.lock_in(cx).try_exclusive(1).map(drop);
        assert!(waited);
        assert_eq!(ended.load(Relaxed), OWNED);
        assert_eq!(free, Ok(()));
        Ok(())
    }

    /// Node 0 goes after it was seen, and before it is waited for. By then another node has its slot, and somebody
    /// waits for that one. Who has taken it away is before who has seen it, on its CPU.
    #[test]
    fn who_comes_too_late_leaves_the_next_node_alone() -> Result {
        let cx = &mut MaySleep::assert();
        let (cache, bell) = (cache()?, self::cache()?);
        let late = Arc::new(Atomic::new(PENDING), GFP_KERNEL)?;
        let beside = Arc::new(Atomic::new(PENDING), GFP_KERNEL)?;
        let mode = || Interruptible.timeout(msecs_to_jiffies(10_000));
        fill(&cache, cx, 1)?;
        fill(&bell, cx, 1)?;
        let node = cache.lock_in(cx).try_exclusive(0)?;
        let (theirs, ring, code) = (cache.clone(), bell.clone(), late.clone());
        let first = Thread::spawn(cx, c"pool_kunit", move |cx, _| {
            let _ = testing::stay_on(cx, 0);
            let Ok(pin) = ring.lock_in(cx).pin(0) else {
                return;
            };
            if !gate_waiters(&ring, 1) {
                return;
            }
            let guard = theirs.lock_in(cx);
            // Who waits for that runs as soon as the guard is given up.
            drop(pin);
            let (guard, result) = guard.wait_unpinned(mode(), 0);
            drop(guard);
            let absent = matches!(result, Ok(Err(Refused::Absent)));
            code.store(if absent { ABSENT } else { OTHER }, Relaxed);
        })?;
        let (theirs, code) = (cache.clone(), beside.clone());
        let second = Thread::spawn(cx, c"pool_kunit", move |cx, _| {
            // Not where it would not be let.
            let _ = testing::stay_on(cx, 1);
            code.store(OTHER, Relaxed);
            let start = Instant::<Monotonic>::now();
            while start.elapsed() < Delta::from_secs(10) {
                let (guard, result) = theirs.lock_in(cx).wait_unpinned(mode(), 1);
                drop(guard);
                match result {
                    // There is no such node yet.
                    Ok(Err(_)) => testing::yield_now(cx),
                    Ok(Ok(_)) => return code.store(OWNED, Relaxed),
                    Err(_) => return code.store(TIMED_OUT, Relaxed),
                }
            }
        })?;
        let ready = until(|| beside.load(Relaxed) == OTHER);
        let held = until(|| {
            let mut pins = 0;
            bell.leaks(|leak| pins += leak.pins);
            pins == 1
        });
        let (rung, waits, pin) = testing::first_on(cx, 0, |cx| {
            let (guard, rung) = bell.lock_in(cx).wait_unpinned(mode(), 0);
            drop(guard);
            node.free(cx);
            let pin = cache.insert(cx, 1, false, 10, GFP_KERNEL);
            // It does not sleep meanwhile: the first one is not to go on.
            let start = Instant::<Monotonic>::now();
            while cache.waiters() != 1 && start.elapsed() < Delta::from_secs(10) {
                core::hint::spin_loop();
            }
            (rung.is_ok_and(|rung| rung.is_ok()), cache.waiters(), pin)
        })?;
        let _ = first.join(cx);
        drop(pin?);
        let _ = second.join(cx);
        assert!(ready && held && rung);
        assert_eq!(waits, 1);
        assert_eq!(late.load(Relaxed), ABSENT);
        assert_eq!(beside.load(Relaxed), OWNED);
        Ok(())
    }

    /// Two tasks that drop each other's pins under their guards, again and again.
    #[test]
    fn pins_are_dropped_under_each_others_guards() -> Result {
        const ROUNDS: u32 = 20_000;

        let cx = &mut MaySleep::assert();
        let caches = [cache()?, cache()?];
        for cache in &caches {
            fill(cache, cx, 1)?;
        }
        let done = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let start = |cx: &mut MaySleep, mine: Arc<Cache>, theirs: Arc<Cache>| {
            let done = done.clone();
            Thread::spawn(cx, c"pool_kunit", move |cx, stop| {
                for _ in 0..ROUNDS {
                    let Ok(pin) = theirs.lock_in(cx).pin(0) else {
                        return;
                    };
                    let guard = mine.lock_in(cx);
                    drop(pin);
                    drop(guard);
                    if stop.requested() {
                        return;
                    }
                }
                done.fetch_add(1, Relaxed);
            })
        };
        let [a, b] = &caches;
        let first = start(cx, a.clone(), b.clone())?;
        let second = start(cx, b.clone(), a.clone())?;
        let _ = first.join(cx);
        let _ = second.join(cx);
        let mut leaks = 0;
        for cache in &caches {
            cache.leaks(|_| leaks += 1);
        }
        assert_eq!(done.load(Relaxed), 2);
        assert_eq!(leaks, 0);
        Ok(())
    }

    #[test]
    fn a_forgotten_owner_is_named() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        fill(&cache, cx, 3)?;
        // As in a_leaked_pin_costs_memory_and_is_named().
        let forgotten = ManuallyDrop::new(cache.lock_in(cx).try_exclusive(2)?);
        let (mut count, mut key, mut exclusive, mut here) = (0, 0, false, false);
        cache.leaks(|leak| {
            count += 1;
            key = leak.key;
            exclusive = leak.exclusive && leak.pins == 0;
            here = leak.at.file().ends_with("uses.rs");
        });
        assert_eq!((count, key), (1, 2));
        assert!(exclusive);
        assert!(here);
        drop(ManuallyDrop::into_inner(forgotten));
        Ok(())
    }

    /// A pin beside which somebody waits, and an owner that has waited.
    #[test]
    fn what_began_where_somebody_waits_is_named() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        let ended = Arc::new(Atomic::new(PENDING), GFP_KERNEL)?;
        fill(&cache, cx, 2)?;
        let first = cache.lock_in(cx).pin(0)?;
        let thread = reaper(cx, &cache, &ended)?;
        let waited = gate_waiters(&cache, 1);
        let mut guard = cache.lock_in(cx);
        let (second, pin_line) = (guard.pin(0), line!());
        drop(guard);
        let (mut pinned, mut here) = ((0, 0), false);
        cache.leaks(|leak| {
            pinned = (leak.pins, leak.at.line());
            here = leak.at.file().ends_with("uses.rs");
        });
        drop(second);
        drop(first);
        let _ = thread.join(cx);
        let mode = Interruptible.timeout(msecs_to_jiffies(10_000));
        let guard = cache.lock_in(cx);
        let ((guard, node), own_line) = (guard.wait_unpinned(mode, 1), line!());
        drop(guard);
        let (mut owned, mut also_here) = ((false, 0), false);
        cache.leaks(|leak| {
            owned = (leak.exclusive, leak.at.line());
            also_here = leak.at.file().ends_with("uses.rs");
        });
        drop(node);
        assert!(waited);
        assert_eq!(ended.load(Relaxed), OWNED);
        assert_eq!((pinned, here), ((2, pin_line), true));
        assert_eq!((owned, also_here), ((true, own_line), true));
        Ok(())
    }

    #[test]
    fn what_is_refused_leaves_nothing_behind() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        fill(&cache, cx, 2)?;
        for _ in 0..100 {
            let twice = cache.insert(cx, 1, false, 9, GFP_KERNEL).map(drop);
            let node = cache.lock_in(cx).try_exclusive(0)?;
            let reused = node.reuse(cx, 1, false, GFP_KERNEL).map(drop);
            let refused = reused.map_err(|(_, error)| error);
            assert_eq!((twice, refused), (Err(EEXIST), Err(EEXIST)));
        }
        let mut leaks = 0;
        cache.leaks(|_| leaks += 1);
        let oldest = cache.lock_in(cx).try_exclusive_oldest(|_| true);
        let oldest = oldest.map(|node| node.key());
        assert_eq!(leaks, 0);
        assert_eq!(cache.len(), 2);
        // What was put back is as old as it was.
        assert_eq!(oldest, Some(0));
        Ok(())
    }

    /// More nodes than slots are made at a time, and slots that are used again.
    #[test]
    fn no_two_nodes_have_one_generation() -> Result {
        const NODES: u32 = 300;

        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        let (mut last, mut fresh) = (0, true);
        for round in 0..3 {
            let mut pins = KVec::with_capacity(NODES as usize, GFP_KERNEL)?;
            for key in 0..NODES {
                let pin = cache.insert(cx, key, false, round, GFP_KERNEL)?;
                fresh &= pin.generation() > last;
                last = pin.generation();
                pins.push(pin, GFP_KERNEL)?;
            }
            let mut pinned = 0;
            cache.leaks(|leak| pinned += leak.pins);
            let refused = cache.lock_in(cx).try_exclusive_oldest(|_| true).is_none();
            drop(pins);
            let mut freed = 0;
            loop {
                let node = cache.lock_in(cx).try_exclusive_oldest(|_| true);
                let Some(node) = node else { break };
                fresh &= node.key() == freed;
                node.free(cx);
                freed += 1;
            }
            assert_eq!((pinned, freed), (NODES as usize, NODES));
            assert!(refused);
        }
        assert!(fresh);
        assert!(cache.is_empty());
        Ok(())
    }

    /// A key whose number is another one each time.
    #[derive(Clone, Copy, Debug)]
    struct Liar;

    static LIES: Atomic<u32> = Atomic::new(0);

    impl Key for Liar {
        fn number(self) -> u128 {
            u128::from(LIES.fetch_add(1, Relaxed) % 7)
        }
    }

    #[test]
    fn a_key_that_lies_confuses_nothing() -> Result {
        let cx = &mut MaySleep::assert();
        let pool: Pin<KBox<Pool<Liar, u32>>> =
            KBox::pin_init(new_pool!("pool_kunit_liar"), GFP_KERNEL)?;
        let (mut made, mut gone) = (0, 0);
        for _ in 0..200 {
            match pool.insert(cx, Liar, (), 1, GFP_KERNEL) {
                Ok(pin) => {
                    made += 1;
                    drop(pin);
                }
                Err(_) => drop(pool.lock_in(cx).pin(Liar)),
            }
            let node = pool.lock_in(cx).try_exclusive(Liar);
            if let Ok(node) = node {
                match node.reuse(cx, Liar, (), GFP_KERNEL) {
                    Ok(pin) => drop(pin),
                    Err((node, _)) => {
                        node.free(cx);
                        gone += 1;
                    }
                }
            }
        }
        let mut leaks = 0;
        pool.leaks(|_| leaks += 1);
        let left = pool.len();
        assert_eq!(leaks, 0);
        assert!(left <= 7);
        assert_eq!(made - gone, left);
        Ok(())
    }
}
