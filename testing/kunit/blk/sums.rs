// SPDX-License-Identifier: GPL-2.0

//! The checksums: when a checkpoint writes them, what reclaim may take, and that none is lost.

use crate::{
    journal::Checkpoint,
    stats::Stats,
    suite::until,
    sums::Sums, //
};
use baton::{
    shrinker::{
        shrink_all,
        Reclaim,
        Scanned,
        Seeks,
        Shrink,
        Shrinker, //
    },
    MaySleep,
    Thread, //
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

/// The pages of one node.
const PAGES: usize = 512;

/// Checksums, with the counters of a disk.
struct Cache {
    sums: Arc<Sums>,
    stats: Stats,
}

impl Cache {
    fn new(nodes: usize) -> Result<Arc<Self>> {
        let cache = Self {
            sums: Sums::new(nodes * PAGES)?,
            stats: Stats::new(),
        };
        Ok(Arc::new(cache, GFP_KERNEL)?)
    }

    fn set(&self, page: usize, sum: u32, cx: &mut MaySleep) -> Result {
        self.sums
            .change(1, cx, |sums, cx| sums.set(page, sum, &self.stats, cx))
    }

    fn get(&self, page: usize, cx: &mut MaySleep) -> Result<u32> {
        let node = self.sums.node(page, &self.stats, cx)?;
        node.get(page, &self.stats, cx)
    }

    /// Changes the first page of each of these nodes.
    fn dirty(&self, nodes: core::ops::Range<usize>, cx: &mut MaySleep) -> Result {
        for node in nodes {
            self.set(node * PAGES, sum_of(node), cx)?;
        }
        Ok(())
    }

    /// How many of these nodes do not have what [`Cache::dirty`] has set.
    fn wrong(&self, nodes: core::ops::Range<usize>, cx: &mut MaySleep) -> Result<usize> {
        let mut wrong = 0;
        for node in nodes {
            wrong += usize::from(self.get(node * PAGES, cx)? != sum_of(node));
        }
        Ok(wrong)
    }

    fn checkpoint(&self, cx: &mut MaySleep) -> Result<u64> {
        self.sums.checkpoint(&self.stats, cx)?;
        Ok(self.stats.nodes_written.get())
    }

    /// Gives back whatever can be.
    fn reclaim(&self, cx: &mut MaySleep) -> Result {
        let sums = self.sums.clone();
        let shrinker = Shrinker::register(cx, c"blk_kunit", Seeks::DEFAULT, sums)?;
        let shrunk = shrink_all(cx);
        shrinker.unregister(cx)?;
        shrunk
    }
}

fn sum_of(node: usize) -> u32 {
    // CAST: There are few.
    0x1234_5678 ^ node as u32
}

/// Lets reclaim take one node at a time, whatever it asks for.
struct OneByOne {
    sums: Arc<Sums>,
    most: Atomic<usize>,
}

impl Shrink for OneByOne {
    fn count(&self) -> usize {
        self.sums.count()
    }

    fn scan(&self, reclaim: &mut Reclaim, _target: usize) -> Scanned {
        let scanned = self.sums.scan(reclaim, 1);
        if let Scanned::Freed(freed) = scanned {
            self.most.store(self.most.load(Relaxed).max(freed), Relaxed);
        }
        scanned
    }
}

#[kunit_tests(baton_blk_sums)]
mod tests {
    use super::*;

    #[test]
    fn few_dirty_nodes_are_not_written() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = Cache::new(16)?;
        cache.dirty(0..7, cx)?;
        let few = cache.checkpoint(cx)?;
        cache.dirty(7..8, cx)?;
        let many = cache.checkpoint(cx)?;
        let again = cache.checkpoint(cx)?;
        assert_eq!((few, many, again), (0, 8, 8));
        assert_eq!(cache.stats.checkpoints.get(), 1);
        assert_eq!(cache.sums.cached(), 8);
        Ok(())
    }

    #[test]
    fn a_checkpoint_writes_so_many_and_no_more() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = Cache::new(80)?;
        cache.dirty(0..76, cx)?;
        let first = cache.checkpoint(cx)?;
        let second = cache.checkpoint(cx)?;
        assert_eq!((first, second), (64, 72));
        assert_eq!(cache.stats.checkpoints.get(), 9);
        Ok(())
    }

    #[test]
    fn a_checkpoint_is_due_when_there_are_many_or_they_are_wanted() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = Cache::new(256)?;
        let due = |cache: &Cache| cache.sums.checkpoint_due();
        let mut found = KVec::new();
        cache.dirty(0..7, cx)?;
        cache.reclaim(cx)?;
        found.push(due(&cache), GFP_KERNEL)?;
        cache.checkpoint(cx)?;
        cache.dirty(0..8, cx)?;
        found.push(due(&cache), GFP_KERNEL)?;
        // All of them are dirty, and cannot be given back.
        cache.reclaim(cx)?;
        found.push(due(&cache), GFP_KERNEL)?;
        cache.checkpoint(cx)?;
        found.push(due(&cache), GFP_KERNEL)?;
        cache.dirty(0..255, cx)?;
        found.push(due(&cache), GFP_KERNEL)?;
        cache.dirty(255..256, cx)?;
        found.push(due(&cache), GFP_KERNEL)?;
        let wanted = [
            Checkpoint::Never,
            Checkpoint::Later,
            Checkpoint::Now,
            Checkpoint::Never,
            Checkpoint::Later,
            Checkpoint::Now,
        ];
        assert!(found.iter().eq(wanted.iter()));
        Ok(())
    }

    #[test]
    fn changes_of_one_node_look_it_up_once() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = Cache::new(4)?;
        cache.sums.change(1, cx, |sums, cx| {
            for page in 0..2 * PAGES {
                // CAST: There are few.
                sums.set(page, page as u32, &cache.stats, cx)?;
            }
            Ok(())
        })?;
        let pins = cache.stats.pins.get();
        let mut wrong = 0;
        for page in 0..2 * PAGES {
            wrong += usize::from(cache.get(page, cx)? != page as u32);
        }
        assert_eq!((pins, wrong), (2, 0));
        Ok(())
    }

    #[test]
    fn changes_of_many_nodes_are_all_kept() -> Result {
        let cx = &mut MaySleep::assert();
        // One range has one slot.
        for ranges in [1, 80] {
            let cache = Cache::new(40)?;
            cache.sums.change(ranges, cx, |sums, cx| {
                for at in 0..80 {
                    let node = at % 40;
                    sums.set(node * PAGES, sum_of(node), &cache.stats, cx)?;
                }
                Ok(())
            })?;
            let written = cache.checkpoint(cx)?;
            cache.reclaim(cx)?;
            assert_eq!((written, cache.sums.cached()), (40, 0));
            assert_eq!(cache.wrong(0..40, cx)?, 0);
        }
        Ok(())
    }

    #[test]
    fn changes_that_fail_are_kept_as_far_as_they_came() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = Cache::new(8)?;
        cache.dirty(1..8, cx)?;
        let failed = cache.sums.change(2, cx, |sums, cx| {
            sums.set(0, sum_of(0), &cache.stats, cx)?;
            sums.set(8 * PAGES, 0, &cache.stats, cx)
        });
        // The node that was changed is one of those that are dirty.
        let written = cache.checkpoint(cx)?;
        cache.reclaim(cx)?;
        assert_eq!(failed, Err(EIO));
        assert_eq!((written, cache.wrong(0..8, cx)?), (8, 0));
        Ok(())
    }

    #[test]
    fn what_is_clean_is_given_back_and_comes_back() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = Cache::new(16)?;
        cache.dirty(0..16, cx)?;
        cache.reclaim(cx)?;
        let dirty = cache.sums.cached();
        cache.checkpoint(cx)?;
        // The second page of it was not written.
        cache.set(5 * PAGES + 1, 7, cx)?;
        cache.reclaim(cx)?;
        let left = cache.sums.cached();
        let reclaimed = cache.sums.reclaimed();
        let read = cache.stats.nodes_read.get();
        let wrong = cache.wrong(0..16, cx)?;
        assert_eq!((dirty, left, reclaimed), (16, 1, 15));
        assert_eq!((wrong, cache.get(5 * PAGES + 1, cx)?), (0, 7));
        assert_eq!(cache.stats.nodes_read.get() - read, 15);
        assert_eq!(cache.get(6 * PAGES + 1, cx)?, 0);
        Ok(())
    }

    #[test]
    fn reclaim_takes_as_many_as_it_asks_for() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = Cache::new(16)?;
        cache.dirty(0..16, cx)?;
        cache.checkpoint(cx)?;
        let sums = cache.sums.clone();
        let most = Atomic::new(0);
        let one_by_one = Arc::new(OneByOne { sums, most }, GFP_KERNEL)?;
        let shrinker = Shrinker::register(cx, c"blk_kunit", Seeks::DEFAULT, one_by_one.clone())?;
        let shrunk = shrink_all(cx);
        shrinker.unregister(cx)?;
        shrunk?;
        assert_eq!(one_by_one.most.load(Relaxed), 1);
        assert!(cache.sums.reclaimed() > 0);
        Ok(())
    }

    #[test]
    fn a_larger_disk_has_the_checksums_of_the_smaller_one() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = Cache::new(8)?;
        cache.dirty(0..8, cx)?;
        cache.checkpoint(cx)?;
        cache.reclaim(cx)?;
        let beyond = cache.set(8 * PAGES, 1, cx).err();
        cache.sums.grow(16 * PAGES, cx)?;
        // It never gets smaller.
        cache.sums.grow(PAGES, cx)?;
        let wrong = cache.wrong(0..8, cx)?;
        cache.dirty(8..16, cx)?;
        cache.checkpoint(cx)?;
        cache.reclaim(cx)?;
        let new = cache.wrong(8..16, cx)?;
        assert_eq!(beyond, Some(EIO));
        assert_eq!((wrong, new), (0, 0));
        Ok(())
    }

    /// Who changes a node that was copied marks it as dirty. That must not be undone by whoever has copied
    /// it, who therefore has to mark it as clean before: another checkpoint finds one dirty node less.
    #[test]
    fn a_node_is_clean_before_it_is_copied() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = Cache::new(8)?;
        cache.dirty(0..8, cx)?;
        cache.stats.nodes_written.shut();
        let mut threads = KVec::with_capacity(2, GFP_KERNEL)?;
        let mut held = true;
        for _ in 0..2 {
            let own = cache.clone();
            let spawned = Thread::spawn(cx, c"blk_kunit", move |cx, _stop| {
                let _ = own.checkpoint(cx);
            });
            threads.push(spawned?, GFP_KERNEL)?;
            // The first one has copied a node; the other one comes then.
            held &= cache.stats.nodes_written.holds();
        }
        let over = threads.last().is_some_and(|second| {
            until(|| second.is_finished(cx) || cache.stats.checkpoints.get() > 1)
        });
        let checkpoints = cache.stats.checkpoints.get();
        cache.stats.nodes_written.open();
        for thread in threads {
            let _ = thread.join(cx);
        }
        assert!(held);
        assert!(over);
        assert_eq!(checkpoints, 1);
        assert_eq!(cache.stats.nodes_written.get(), 8);
        Ok(())
    }
}
