// SPDX-License-Identifier: GPL-2.0

//! What a cache says, as reclaim takes it: seen from how often it asks.

use baton::{
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

/// More than reclaim asks for at a time, so that it asks more than once.
const OBJECTS: usize = 4096;

/// A cache that says always the same.
struct Says {
    count: usize,
    scanned: Scanned,
    counts: Atomic<usize>,
    scans: Atomic<usize>,
    /// The largest number of objects that a scan was asked for.
    most: Atomic<usize>,
}

impl Shrink for Says {
    fn count(&self) -> usize {
        self.counts.fetch_add(1, Relaxed);
        self.count
    }

    fn scan(&self, _reclaim: &mut Reclaim, target: usize) -> Scanned {
        self.scans.fetch_add(1, Relaxed);
        self.most
            .store(self.most.load(Relaxed).max(target), Relaxed);
        self.scanned
    }
}

fn says(count: usize, scanned: Scanned) -> Result<Arc<Says>> {
    let says = Says {
        count,
        scanned,
        counts: Atomic::new(0),
        scans: Atomic::new(0),
        most: Atomic::new(0),
    };
    Ok(Arc::new(says, GFP_KERNEL)?)
}

/// Lets reclaim ask once, in as many rounds as it likes; returns how often it has counted and scanned.
fn asked(cx: &mut MaySleep, cache: &Arc<Says>, seeks: Seeks) -> Result<(usize, usize)> {
    let shrinker = Shrinker::register(cx, c"baton-kunit", seeks, cache.clone())?;
    let shrunk = shrink_all(cx);
    shrinker.unregister(cx)?;
    shrunk?;
    Ok((cache.counts.load(Relaxed), cache.scans.load(Relaxed)))
}

#[kunit_tests(baton_shrinker_asks)]
mod tests {
    use super::*;

    /// Reclaim goes on as long as much is freed, half as much each time.
    #[test]
    fn it_is_told_how_much_was_freed() -> Result {
        let cx = &mut MaySleep::assert();
        let much = says(OBJECTS, Scanned::Freed(1 << 40))?;
        let (counts, scans) = asked(cx, &much, Seeks::DEFAULT)?;
        assert!(counts >= 30);
        assert!(scans > counts);
        // What a scan is asked for is what the cache has at most.
        let most = much.most.load(Relaxed);
        assert!(most > 0);
        assert!(most <= OBJECTS);
        Ok(())
    }

    /// It is no number that stands for something else.
    #[test]
    fn whatever_was_freed_is_not_taken_for_a_stop() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = says(OBJECTS, Scanned::Freed(usize::MAX))?;
        let (counts, scans) = asked(cx, &cache, Seeks::DEFAULT)?;
        assert!(counts > 0);
        assert!(scans > counts);
        Ok(())
    }

    #[test]
    fn what_is_costly_is_asked_for_less() -> Result {
        let cx = &mut MaySleep::assert();
        let cheap = says(OBJECTS, Scanned::Freed(0))?;
        let costly = says(OBJECTS, Scanned::Freed(0))?;
        let (cheap, costly) = {
            let seeks = [Seeks::new(2)?, Seeks::new(1024)?];
            let first = Shrinker::register(cx, c"baton-kunit", seeks[0], cheap.clone())?;
            let second = Shrinker::register(cx, c"baton-kunit", seeks[1], costly.clone())?;
            let shrunk = shrink_all(cx);
            first.unregister(cx)?;
            second.unregister(cx)?;
            shrunk?;
            (cheap.scans.load(Relaxed), costly.scans.load(Relaxed))
        };
        assert!(cheap > 0);
        assert!(costly * 4 < cheap);
        Ok(())
    }
}
