// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of [`Shrinker`]: the kernel's own reclaim of its slabs, through a registered shrinker.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use baton::{
    pool::{
        new_pool,
        Pool,
        Refused, //
    },
    shrinker::{
        shrink_all,
        Reclaim,
        Scanned,
        Seeks,
        Shrink,
        Shrinker, //
    },
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
};

mod shrinker {
    mod asks;
    mod beside;
    mod end;
}

suite!("shrinker_kunit", "KUnit suite of baton's shrinkers");

/// A pool whose clean nodes reclaim may free.
#[pin_data]
struct Cache {
    #[pin]
    pool: Pool<u32, u32, bool>,
    counted: Atomic<u32>,
    scanned: Atomic<u32>,
    /// What a try for the first node said: 1 if it was busy, 2 if not there.
    first: Atomic<u32>,
    stop: bool,
}

impl Cache {
    fn new(cx: &mut MaySleep, nodes: u32, stop: bool) -> Result<Arc<Self>> {
        let cache = Arc::pin_init(
            pin_init!(Self {
                pool <- new_pool!("shrinker_kunit"),
                counted: Atomic::new(0),
                scanned: Atomic::new(0),
                first: Atomic::new(0),
                stop,
            }),
            GFP_KERNEL,
        )?;
        for key in 0..nodes {
            drop(cache.pool.insert(cx, key, key % 2 == 1, key, GFP_KERNEL)?);
        }
        Ok(cache)
    }
}

impl Shrink for Cache {
    fn count(&self) -> usize {
        self.counted.fetch_add(1, Relaxed);
        self.pool.len()
    }

    fn scan(&self, reclaim: &mut Reclaim, target: usize) -> Scanned {
        self.scanned.fetch_add(1, Relaxed);
        if self.stop {
            return Scanned::Stop;
        }
        let first = match reclaim.try_exclusive(&self.pool, 0).map(drop) {
            Ok(()) => 3,
            Err(Refused::Busy) => 1,
            Err(Refused::Absent) => 2,
        };
        if self.first.load(Relaxed) == 0 {
            self.first.store(first, Relaxed);
        }
        let mut freed = 0;
        while freed < target {
            let clean = reclaim.try_exclusive_oldest(&self.pool, |node| !*node.note);
            let Some(node) = clean else { break };
            node.free(reclaim);
            freed += 1;
        }
        Scanned::Freed(freed)
    }
}

#[kunit_tests(baton_shrinker)]
mod tests {
    use super::*;

    #[test]
    fn reclaim_frees_what_is_clean_and_not_pinned() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = Cache::new(cx, 64, false)?;
        let pin = cache.pool.lock_in(cx).pin(0)?;
        let shrinker = Shrinker::register(cx, c"baton-kunit", Seeks::DEFAULT, cache.clone())?;
        for _ in 0..4 {
            shrink_all(cx)?;
        }
        shrinker.unregister(cx)?;
        let left = cache.pool.len();
        // 32 dirty ones and the one that is pinned.
        assert_eq!(left, 33);
        assert_eq!(pin.key(), 0);
        assert_eq!(cache.first.load(Relaxed), 1);
        assert!(cache.counted.load(Relaxed) > 0);
        Ok(())
    }

    #[test]
    fn a_scan_that_stops_frees_nothing() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = Cache::new(cx, 8, true)?;
        let shrinker = Shrinker::register(cx, c"baton-kunit", Seeks::DEFAULT, cache.clone())?;
        for _ in 0..4 {
            shrink_all(cx)?;
        }
        shrinker.unregister(cx)?;
        assert!(cache.scanned.load(Relaxed) > 0);
        assert_eq!(cache.pool.len(), 8);
        Ok(())
    }

    #[test]
    fn an_empty_cache_is_not_scanned() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = Cache::new(cx, 0, false)?;
        let shrinker = Shrinker::register(cx, c"baton-kunit", Seeks::DEFAULT, cache.clone())?;
        shrink_all(cx)?;
        shrinker.unregister(cx)?;
        assert!(cache.counted.load(Relaxed) > 0);
        assert_eq!(cache.scanned.load(Relaxed), 0);
        Ok(())
    }

    #[test]
    fn nothing_is_asked_after_the_end_and_the_cache_is_freed() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = Cache::new(cx, 8, false)?;
        let shrinker = Shrinker::register(cx, c"baton-kunit", Seeks::DEFAULT, cache.clone())?;
        shrinker.unregister(cx)?;
        let before = cache.counted.load(Relaxed);
        shrink_all(cx)?;
        assert_eq!(cache.counted.load(Relaxed), before);
        assert!(Arc::into_unique_or_drop(cache).is_some());
        Ok(())
    }

    #[test]
    fn seeks_out_of_range_are_refused() {
        assert_eq!(Seeks::new(0).map(|_| ()), Ok(()));
        assert_eq!(Seeks::new(1024).map(|_| ()), Ok(()));
        assert_eq!(Seeks::new(1025).map(|_| ()), Err(EINVAL));
    }
}
