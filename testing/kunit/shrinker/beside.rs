// SPDX-License-Identifier: GPL-2.0

//! Several tasks that scan one cache at once.

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
    LockIn,
    MaySleep,
    Thread, //
};
use kernel::{
    new_mutex,
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
    }, //
};

/// A cache whose first scan waits for a second one, and unregisters the shrinker beside it.
#[pin_data]
struct Meeting {
    scans: Atomic<u32>,
    /// What unregistering it has come to.
    errno: Atomic<i32>,
    tried: Atomic<u32>,
    #[pin]
    own: Mutex<Option<Shrinker<Meeting>>>,
}

impl Shrink for Meeting {
    fn count(&self) -> usize {
        4096
    }

    fn scan(&self, _reclaim: &mut Reclaim, _target: usize) -> Scanned {
        match self.scans.fetch_add(1, Full) {
            0 => {
                if until(|| self.scans.load(Acquire) == 2) {
                    // IRQ: a scan, which has no capability.
                    let shrinker = self.own.lock().take();
                    // ENTRY: none. It is false that nothing is held, which is what this is about.
                    let cx = &mut MaySleep::assert();
                    let refused = shrinker.and_then(|own| own.unregister(cx).err());
                    if let Some(refused) = refused {
                        self.errno.store(refused.error.to_errno(), Relaxed);
                    }
                }
                self.tried.store(1, Release);
            }
            1 => {
                until(|| self.tried.load(Acquire) == 1);
            }
            _ => (),
        }
        Scanned::Stop
    }
}

/// Two caches, asked one after the other: who was first in a scan of the first one leaves it first, and unregisters
/// its shrinker from the scan of the second one.
#[pin_data]
struct Rooms {
    scans: Atomic<u32>,
    /// Whether somebody has come from the first to the second one.
    left: Atomic<u32>,
    /// What unregistering has come to.
    errno: Atomic<i32>,
    tried: Atomic<u32>,
    #[pin]
    first: Mutex<Option<Shrinker<Room>>>,
}

/// One of them. Both are of one type: so a task has its visits to them at the same place of its stack.
struct Room {
    is_first: bool,
    rooms: Arc<Rooms>,
}

impl Shrink for Room {
    fn count(&self) -> usize {
        4096
    }

    fn scan(&self, _reclaim: &mut Reclaim, _target: usize) -> Scanned {
        let rooms = &*self.rooms;
        if self.is_first {
            match rooms.scans.fetch_add(1, Full) {
                0 => {
                    until(|| rooms.scans.load(Acquire) >= 2);
                }
                1 => {
                    until(|| rooms.left.load(Acquire) != 0);
                }
                _ => (),
            }
        } else if rooms.left.xchg(1, Full) == 0 {
            // IRQ: a scan, which has no capability.
            let shrinker = rooms.first.lock().take();
            // ENTRY: none. It is false that nothing is held, which is what this is about.
            let cx = &mut MaySleep::assert();
            let refused = shrinker.and_then(|first| first.unregister(cx).err());
            if let Some(refused) = refused {
                rooms.errno.store(refused.error.to_errno(), Relaxed);
            }
            rooms.tried.store(1, Release);
        }
        Scanned::Stop
    }
}

#[kunit_tests(baton_shrinker_beside)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_beside_another_cannot_wait_for_itself() -> Result {
        let cx = &mut MaySleep::assert();
        let cache = Arc::pin_init(
            pin_init!(Meeting {
                scans: Atomic::new(0),
                errno: Atomic::new(0),
                tried: Atomic::new(0),
                own <- new_mutex!(None),
            }),
            GFP_KERNEL,
        )?;
        let before = owner::reaped();
        let shrinker = Shrinker::register(cx, c"baton-kunit", Seeks::DEFAULT, cache.clone())?;
        *cache.own.lock_in(cx) = Some(shrinker);
        let mut threads = KVec::new();
        for _ in 0..2 {
            let thread = Thread::spawn(cx, c"shrinker_kunit", |cx, _| {
                let _ = shrink_all(cx);
            })?;
            threads.push(thread, GFP_KERNEL)?;
        }
        let tried = until(|| cache.tried.load(Acquire) == 1);
        if !tried {
            // One of them waits for itself.
            core::mem::forget(threads);
            return Err(ETIMEDOUT);
        }
        let gone = until(|| owner::reaped() != before);
        for thread in threads {
            let _ = thread.join(cx);
        }
        assert_eq!(cache.errno.load(Relaxed), EDEADLK.to_errno());
        assert!(gone);
        assert!(Arc::into_unique_or_drop(cache).is_some());
        Ok(())
    }

    /// Who was in a scan, and has left it before another one did, may wait for what still runs.
    #[test]
    fn who_has_left_a_scan_is_not_taken_for_one_in_it() -> Result {
        let cx = &mut MaySleep::assert();
        let rooms = Arc::pin_init(
            pin_init!(Rooms {
                scans: Atomic::new(0),
                left: Atomic::new(0),
                errno: Atomic::new(0),
                tried: Atomic::new(0),
                first <- new_mutex!(None),
            }),
            GFP_KERNEL,
        )?;
        let room = |is_first| {
            let rooms = rooms.clone();
            Arc::new(Room { is_first, rooms }, GFP_KERNEL)
        };
        // In the order in which they are asked.
        let first = Shrinker::register(cx, c"baton-kunit", Seeks::DEFAULT, room(true)?)?;
        let second = Shrinker::register(cx, c"baton-kunit", Seeks::DEFAULT, room(false)?)?;
        *rooms.first.lock_in(cx) = Some(first);
        let mut threads = KVec::new();
        for _ in 0..2 {
            let thread = Thread::spawn(cx, c"shrinker_kunit", |cx, _| {
                let _ = shrink_all(cx);
            })?;
            threads.push(thread, GFP_KERNEL)?;
        }
        let tried = until(|| rooms.tried.load(Acquire) == 1);
        if !tried {
            // One of them waits for itself, in both scans: nobody ends that.
            core::mem::forget(threads);
            return Err(ETIMEDOUT);
        }
        for thread in threads {
            let _ = thread.join(cx);
        }
        let scans = rooms.scans.load(Acquire);
        second.unregister(cx)?;
        let left = rooms.first.lock_in(cx).is_some();
        assert!(scans >= 2);
        assert!(!left);
        assert_eq!(rooms.errno.load(Relaxed), 0);
        Ok(())
    }
}
