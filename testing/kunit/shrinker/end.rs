// SPDX-License-Identifier: GPL-2.0

//! How a shrinker ends: unregistered, dropped, and by its own scan.

use crate::suite::until;
use baton::{
    owner,
    shrinker::{
        shrink_all,
        Reclaim,
        Scanned,
        Seeks,
        Shrink,
        Shrinker, //
    },
    testing::Log,
    LockIn,
    MaySleep,
    Thread, //
};
use kernel::{
    new_mutex,
    new_spinlock,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full,
            Relaxed,
            Release, //
        },
        Arc,
        Mutex, //
    },
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta,
        Instant,
        Monotonic, //
    }, //
};

/// What a scan does with the shrinker that it is called by.
#[derive(Clone, Copy)]
enum Does {
    /// Says that there is no point in asking again.
    Stop,
    Unregister,
    /// Already when it is counted.
    UnregisterInCount,
    Drop,
    /// Does not return until the log names the shrinker.
    Stay(Log),
}

/// What the log says of one that cannot be unregistered.
const NAMED: [&str; 3] = [
    "shrinker 'baton-kunit', made at ",
    "shrinker/end.rs:",
    "has not ended for ",
];

/// A cache of a number of things that are never freed.
#[pin_data]
struct Cache {
    does: Does,
    counted: Atomic<u32>,
    scanned: Atomic<u32>,
    /// What unregistering it from a scan came to.
    errno: Atomic<i32>,
    #[pin]
    own: Mutex<Option<KBox<Shrinker<Cache>>>>,
}

/// More than reclaim asks for at a time, so that it would ask more than once.
const OBJECTS: usize = 4096;

impl Cache {
    fn new(does: Does) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                does,
                counted: Atomic::new(0),
                scanned: Atomic::new(0),
                errno: Atomic::new(0),
                own <- new_mutex!(None),
            }),
            GFP_KERNEL,
        )
    }

    /// Lets its scans find the shrinker.
    fn register(self: &Arc<Self>, cx: &mut MaySleep) -> Result {
        let shrinker = Shrinker::register(cx, c"baton-kunit", Seeks::DEFAULT, self.clone())?;
        let shrinker = KBox::new(shrinker, GFP_KERNEL)?;
        *self.own.lock_in(cx) = Some(shrinker);
        Ok(())
    }

    /// Unregisters the shrinker by which this was called.
    fn unregister(&self) {
        // ENTRY: none. It is false that nothing is held, which is what this is about.
        let cx = &mut MaySleep::assert();
        if let Some(refused) = self.take().and_then(|own| own.unregister(cx).err()) {
            self.errno.store(refused.error.to_errno(), Relaxed);
            drop(refused);
        }
    }

    /// Takes the shrinker back.
    fn take(&self) -> Option<Shrinker<Self>> {
        // IRQ: a scan, which has no capability.
        let shrinker = self.own.lock().take();
        shrinker.map(KBox::into_inner)
    }
}

impl Shrink for Cache {
    fn count(&self) -> usize {
        self.counted.fetch_add(1, Full);
        if matches!(self.does, Does::UnregisterInCount) {
            self.unregister();
        }
        OBJECTS
    }

    fn scan(&self, _reclaim: &mut Reclaim, _target: usize) -> Scanned {
        match self.does {
            Does::Stop | Does::UnregisterInCount => (),
            Does::Unregister => self.unregister(),
            Does::Drop => drop(self.take()),
            Does::Stay(log) => {
                let start = Instant::<Monotonic>::now();
                while log.lines(&NAMED) == 0 && start.elapsed() < Delta::from_secs(25) {
                    fsleep(Delta::from_millis(10));
                }
            }
        }
        self.scanned.fetch_add(1, Release);
        Scanned::Stop
    }
}

/// Has every shrinker asked, by a thread that may be left to itself.
fn shrink(cx: &mut MaySleep) -> Result {
    let thread = Thread::spawn(cx, c"shrinker_kunit", |cx, _| {
        let _ = shrink_all(cx);
    })?;
    match thread.join_timeout(cx, msecs_to_jiffies(10_000)) {
        Ok(()) => Ok(()),
        Err(thread) => {
            core::mem::forget(thread);
            Err(ETIMEDOUT)
        }
    }
}

/// Looks until what was dropped was torn down, for ten seconds at most.
fn reaped(before: usize) -> bool {
    until(|| owner::reaped() != before)
}

#[kunit_tests(baton_shrinker_end)]
mod tests {
    use super::*;

    /// Each time that it is counted there would be 64 scans.
    #[test]
    fn a_scan_that_stops_is_not_called_again() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = Cache::new(Does::Stop)?;
        let shrinker = Shrinker::register(cx, c"baton-kunit", Seeks::DEFAULT, cache.clone())?;
        for _ in 0..4 {
            shrink(cx)?;
        }
        shrinker.unregister(cx)?;
        let (counted, scanned) = (cache.counted.load(Acquire), cache.scanned.load(Acquire));
        assert!(scanned > 0);
        assert!(scanned <= counted);
        Ok(())
    }

    #[test]
    fn a_scan_cannot_wait_for_itself() -> Result {
        let cx = &mut MaySleep::assert();
        for does in [Does::Unregister, Does::UnregisterInCount] {
            let cache = Cache::new(does)?;
            let before = owner::reaped();
            cache.register(cx)?;
            shrink(cx)?;
            let gone = reaped(before);
            assert!(cache.counted.load(Acquire) > 0);
            assert_eq!(cache.errno.load(Relaxed), EDEADLK.to_errno());
            assert!(gone);
            assert!(Arc::into_unique_or_drop(cache).is_some());
        }
        Ok(())
    }

    #[test]
    fn a_shrinker_may_be_dropped_by_its_scan() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = Cache::new(Does::Drop)?;
        let (dropped, before) = (owner::dropped(), owner::reaped());
        let log = Log::here();
        cache.register(cx)?;
        shrink(cx)?;
        let gone = reaped(before);
        let named = log.lines(&[
            "shrinker 'baton-kunit', made at ",
            "shrinker/end.rs:",
            "dropped without `unregister(cx)`",
        ]);
        let counted = cache.counted.load(Acquire);
        shrink(cx)?;
        assert!(cache.scanned.load(Acquire) > 0);
        assert_eq!(owner::dropped().wrapping_sub(dropped), 1);
        assert_eq!(named, 1);
        assert!(gone);
        assert_eq!(cache.counted.load(Acquire), counted);
        assert!(Arc::into_unique_or_drop(cache).is_some());
        Ok(())
    }

    /// It neither sleeps nor waits there.
    #[test]
    fn a_shrinker_may_be_dropped_with_a_spinlock_held() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = Cache::new(Does::Stop)?;
        let lock = KBox::pin_init(new_spinlock!(0), GFP_KERNEL)?;
        let before = owner::reaped();
        let shrinker = Shrinker::register(cx, c"baton-kunit", Seeks::DEFAULT, cache.clone())?;
        let held = lock.lock_in(cx);
        drop(shrinker);
        drop(held);
        let gone = reaped(before);
        let counted = cache.counted.load(Acquire);
        shrink(cx)?;
        assert!(gone);
        assert_eq!(cache.counted.load(Acquire), counted);
        assert!(Arc::into_unique_or_drop(cache).is_some());
        Ok(())
    }

    /// Who unregisters it waits for that; it is said after ten seconds.
    #[test]
    fn a_shrinker_whose_scan_stays_is_named() -> Result {
        let cx = &mut MaySleep::assert();
        let log = Log::here();
        let cache = Cache::new(Does::Stay(log))?;
        let shrinker = Shrinker::register(cx, c"baton-kunit", Seeks::DEFAULT, cache.clone())?;
        let thread = Thread::spawn(cx, c"shrinker_kunit", |cx, _| {
            let _ = shrink_all(cx);
        })?;
        // Counted, it is asked as well: both are under one reference to the shrinker.
        let asked = until(|| cache.counted.load(Acquire) > 0);
        shrinker.unregister(cx)?;
        let (scanned, named) = (cache.scanned.load(Acquire), log.lines(&NAMED));
        let _ = thread.join(cx);
        assert!(asked);
        assert_eq!(scanned, 1);
        assert!(named > 0);
        assert!(Arc::into_unique_or_drop(cache).is_some());
        Ok(())
    }
}
