// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of [`Pool`]: selected, pinned, owned, reused, waited for, leaked.
//!
//! Who waits is a thread; the test's own task gates on [`Pool::waiters`] and asserts after it has
//! joined.

#[macro_use]
#[path = "suite.rs"]
mod suite;

#[path = "pool/promises.rs"]
mod promises;
#[path = "pool/uses.rs"]
mod uses;

use baton::{
    event::{
        Interruptible,
        Mode,
        WaitError, //
    },
    pool::{
        new_pool,
        Batch,
        Pool,
        Refused, //
    },
    MaySleep,
    Thread, //
};
use core::mem::ManuallyDrop;
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
        Monotonic, //
    },
};

suite!("pool_kunit", "KUnit suite of baton's pools");

/// Nodes with a number as key and payload; the note says whether they are dirty.
type Cache = Pool<u32, u32, bool>;

fn cache() -> Result<Arc<Cache>> {
    Arc::pin_init(new_pool!("pool_kunit"), GFP_KERNEL)
}

/// Adds unpinned nodes with the keys from 0 on, of which the odd ones are dirty.
fn fill(cache: &Cache, cx: &mut MaySleep, count: u32) -> Result {
    for key in 0..count {
        drop(cache.insert(cx, key, key % 2 == 1, key * 10, GFP_KERNEL)?);
    }
    Ok(())
}

/// Looks until that many wait; `false` after the deadline.
fn gate_waiters(cache: &Cache, count: usize) -> bool {
    let start = Instant::<Monotonic>::now();
    while cache.waiters() != count {
        if start.elapsed().as_millis() > 10_000 {
            return false;
        }
        fsleep(Delta::from_micros(100));
    }
    true
}

const PENDING: u32 = 0;
const OWNED: u32 = 1;
const ABSENT: u32 = 2;
const TIMED_OUT: u32 = 3;
const SIGNAL: u32 = 4;
const OTHER: u32 = 5;

/// Starts a thread that waits for the pins of node 0, and frees it if it gets it.
fn reaper(cx: &mut MaySleep, cache: &Arc<Cache>, ended: &Arc<Atomic<u32>>) -> Result<Thread> {
    let (cache, ended) = (cache.clone(), ended.clone());
    Thread::spawn(cx, c"pool_kunit", move |cx, _| {
        let mode = Interruptible.timeout(msecs_to_jiffies(10_000));
        let (guard, result) = cache.lock_in(cx).wait_unpinned(mode, 0);
        drop(guard);
        let code = match result {
            Ok(Ok(node)) => {
                node.free(cx);
                OWNED
            }
            Ok(Err(Refused::Absent)) => ABSENT,
            Ok(Err(Refused::Busy)) => OTHER,
            Err(WaitError::TimedOut) => TIMED_OUT,
            Err(WaitError::Signal) => SIGNAL,
            Err(WaitError::Closed | WaitError::Ended | WaitError::Stopped) => OTHER,
        };
        ended.store(code, Relaxed);
    })
}

#[kunit_tests(baton_pool)]
mod tests {
    use super::*;

    #[test]
    fn insert_pins_and_refuses_a_second_one() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        let pin = cache.insert(cx, 3, false, 30, GFP_KERNEL)?;
        let payload = *pin.lock_in(cx);
        let second = cache.insert(cx, 3, false, 31, GFP_KERNEL).map(drop);
        assert_eq!(payload, 30);
        assert_eq!(pin.key(), 3);
        assert_eq!(second, Err(EEXIST));
        assert_eq!(cache.len(), 1);
        Ok(())
    }

    #[test]
    fn select_takes_the_oldest_that_are_wanted() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        fill(&cache, cx, 8)?;
        // Number 1 becomes the youngest.
        drop(cache.lock_in(cx).pin(1));
        let mut batch = Batch::with_capacity(cx, 3, GFP_KERNEL)?;
        let count = cache.lock_in(cx).select(&mut batch, |node| *node.note);
        let keys = [batch[0].key(), batch[1].key(), batch[2].key()];
        // No room is left, so nothing more is pinned.
        let more = cache.lock_in(cx).select(&mut batch, |_| true);
        assert_eq!(count, 3);
        assert_eq!(keys, [3, 5, 7]);
        assert_eq!(more, 0);
        Ok(())
    }

    #[test]
    fn a_note_is_changed_through_the_pin() -> Result {
        let cx = &mut MaySleep::assert();
        let (cache, stranger) = (cache()?, self::cache()?);
        fill(&cache, cx, 2)?;
        // Also if there is a node with this key.
        fill(&stranger, cx, 2)?;
        let pin = cache.lock_in(cx).pin(1)?;
        let was = cache
            .lock_in(cx)
            .note(&pin, |dirty| core::mem::replace(dirty, false));
        let is = cache.lock_in(cx).note(&pin, |dirty| *dirty);
        let elsewhere = stranger.lock_in(cx).note(&pin, |dirty| *dirty);
        assert_eq!(was, Ok(true));
        assert_eq!(is, Ok(false));
        assert_eq!(elsewhere, Err(Refused::Absent));
        Ok(())
    }

    #[test]
    fn a_pin_refuses_an_owner_and_an_owner_a_pin() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        fill(&cache, cx, 1)?;
        let first = cache.lock_in(cx).pin(0)?;
        let second = cache.lock_in(cx).pin(0)?;
        drop(first);
        let pinned = cache.lock_in(cx).try_exclusive(0).map(drop);
        drop(second);
        let node = cache.lock_in(cx).try_exclusive(0)?;
        let owned = cache.lock_in(cx).pin(0).map(drop);
        let twice = cache.lock_in(cx).try_exclusive(0).map(drop);
        drop(node);
        let again = cache.lock_in(cx).pin(0).map(drop);
        let absent = cache.lock_in(cx).try_exclusive(9).map(drop);
        assert_eq!(pinned, Err(Refused::Busy));
        assert_eq!(owned, Err(Refused::Busy));
        assert_eq!(twice, Err(Refused::Busy));
        assert_eq!(again, Ok(()));
        assert_eq!(absent, Err(Refused::Absent));
        Ok(())
    }

    #[test]
    fn an_owned_node_is_not_selected() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        fill(&cache, cx, 2)?;
        let node = cache.lock_in(cx).try_exclusive(0)?;
        let mut batch = Batch::with_capacity(cx, 2, GFP_KERNEL)?;
        let count = cache.lock_in(cx).select(&mut batch, |_| true);
        let key = batch.pop().map(|pin| pin.key());
        drop(node);
        assert_eq!(count, 1);
        assert_eq!(key, Some(1));
        Ok(())
    }

    #[test]
    fn reuse_is_another_generation() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        fill(&cache, cx, 2)?;
        let before = cache.lock_in(cx).pin(0)?.generation();
        let node = cache.lock_in(cx).try_exclusive(0)?;
        // There is a node 1: refused, and the node is what it was.
        let (node, error) = match node.reuse(cx, 1, false, GFP_KERNEL) {
            Ok(_) => return Err(EINVAL),
            Err(refused) => refused,
        };
        assert_eq!(error, EEXIST);
        assert_eq!(node.key(), 0);
        let pin = node
            .reuse(cx, 5, true, GFP_KERNEL)
            .map_err(|(_, error)| error)?;
        let payload = *pin.lock_in(cx);
        let old = cache.lock_in(cx).pin(0).map(drop);
        assert_eq!(pin.key(), 5);
        assert!(pin.generation() > before);
        assert_eq!(payload, 0);
        assert_eq!(old, Err(Refused::Absent));
        assert_eq!(cache.len(), 2);
        Ok(())
    }

    #[test]
    fn pins_and_owners_are_dropped_under_the_guard() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        fill(&cache, cx, 2)?;
        let pin = cache.lock_in(cx).pin(0)?;
        let node = cache.lock_in(cx).try_exclusive(1)?;
        let guard = cache.lock_in(cx);
        drop(pin);
        drop(node);
        drop(guard);
        let first = cache.lock_in(cx).try_exclusive(0).map(drop);
        let second = cache.lock_in(cx).try_exclusive(1).map(drop);
        assert_eq!(first, Ok(()));
        assert_eq!(second, Ok(()));
        Ok(())
    }

    #[test]
    fn the_last_unpin_serves_who_waits() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        let ended = Arc::new(Atomic::new(PENDING), GFP_KERNEL)?;
        fill(&cache, cx, 1)?;
        let first = cache.lock_in(cx).pin(0)?;
        let second = cache.lock_in(cx).pin(0)?;
        let thread = reaper(cx, &cache, &ended)?;
        let waited = gate_waiters(&cache, 1);
        drop(first);
        let still = cache.waiters();
        drop(second);
        let _ = thread.join(cx);
        assert!(waited);
        assert_eq!(still, 1);
        assert_eq!(ended.load(Relaxed), OWNED);
        assert_eq!(cache.len(), 0);
        Ok(())
    }

    #[test]
    fn an_unpin_under_the_guard_serves_who_waits() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        let ended = Arc::new(Atomic::new(PENDING), GFP_KERNEL)?;
        fill(&cache, cx, 1)?;
        let pin = cache.lock_in(cx).pin(0)?;
        let thread = reaper(cx, &cache, &ended)?;
        let waited = gate_waiters(&cache, 1);
        let guard = cache.lock_in(cx);
        drop(pin);
        drop(guard);
        let _ = thread.join(cx);
        assert!(waited);
        assert_eq!(ended.load(Relaxed), OWNED);
        Ok(())
    }

    #[test]
    fn who_waits_is_told_that_the_node_is_gone() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        let ended = Arc::new(Atomic::new(PENDING), GFP_KERNEL)?;
        fill(&cache, cx, 1)?;
        let node = cache.lock_in(cx).try_exclusive(0)?;
        let thread = reaper(cx, &cache, &ended)?;
        let waited = gate_waiters(&cache, 1);
        let reused = node.reuse(cx, 7, false, GFP_KERNEL).map(drop);
        let _ = thread.join(cx);
        assert!(waited);
        assert!(reused.is_ok());
        assert_eq!(ended.load(Relaxed), ABSENT);
        Ok(())
    }

    #[test]
    fn a_signal_and_a_timeout_end_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        let ended = Arc::new(Atomic::new(PENDING), GFP_KERNEL)?;
        fill(&cache, cx, 1)?;
        let pin = cache.lock_in(cx).pin(0)?;
        let thread = reaper(cx, &cache, &ended)?;
        let waited = gate_waiters(&cache, 1);
        thread.interrupt();
        let _ = thread.join(cx);
        let mode = Interruptible.timeout(msecs_to_jiffies(10));
        let (guard, result) = cache.lock_in(cx).wait_unpinned(mode, 0);
        drop(guard);
        let result = result.map(|_| ());
        drop(pin);
        let free = cache.lock_in(cx).try_exclusive(0).map(drop);
        assert!(waited);
        assert_eq!(ended.load(Relaxed), SIGNAL);
        assert_eq!(result, Err(WaitError::TimedOut));
        assert_eq!(free, Ok(()));
        Ok(())
    }

    #[test]
    fn a_leaked_pin_costs_memory_and_is_named() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = cache()?;
        fill(&cache, cx, 3)?;
        // Forgotten, but not for good: kmemleak looks at what a test leaves behind.
        let forgotten = ManuallyDrop::new(cache.lock_in(cx).pin(1)?);
        let (mut count, mut key, mut here) = (0, 0, false);
        cache.leaks(|leak| {
            count += leak.pins;
            key = leak.key;
            here = leak.at.file().ends_with("pool_kunit.rs");
        });
        // The others can still be freed.
        let mut freed = 0;
        loop {
            let node = cache.lock_in(cx).try_exclusive_oldest(|_| true);
            let Some(node) = node else { break };
            node.free(cx);
            freed += 1;
        }
        assert_eq!(count, 1);
        assert_eq!(key, 1);
        assert!(here);
        assert_eq!(freed, 2);
        assert_eq!(cache.len(), 1);
        drop(ManuallyDrop::into_inner(forgotten));
        Ok(())
    }
}
