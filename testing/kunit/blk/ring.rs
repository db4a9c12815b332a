// SPDX-License-Identifier: GPL-2.0

//! The ring: records, and how far they are stable.

use crate::{
    ring::{
        self,
        Done,
        Record,
        Ring, //
    },
    suite::until,
};
use baton::{
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

/// The records that there is room for.
const ROOM: usize = 256;

/// Who enters records while others are made stable.
struct Race {
    ring: Ring,
    writers: Atomic<usize>,
}

#[kunit_tests(baton_blk_ring)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_until_it_is_stable() -> Result {
        let ring = Ring::new()?;
        let mut batch = ring::batch()?;
        let record = Record::default();
        let mut positions = [None; ROOM + 1];
        for position in &mut positions {
            *position = ring.enter(record);
        }
        let full = (ring.has_room(), ring.unstable(), ring.position());
        let end = ring.take(&mut batch);
        let taken = (batch.len(), ring.enter(record), ring.is_stable());
        ring.reach(end);
        let stable = (ring.is_stable(), ring.unstable(), ring.enter(record));
        let wrong = positions.iter().enumerate().filter(|(at, position)| {
            // CAST: There are few.
            **position != (*at < ROOM).then_some(*at as u64 + 1)
        });
        assert_eq!(wrong.count(), 0);
        assert_eq!(full, (false, 256, 256));
        assert_eq!((end, taken), (256, (ROOM, None, false)));
        assert_eq!(stable, (true, 0, Some(257)));
        Ok(())
    }

    #[test]
    fn much_data_is_worth_it() -> Result {
        let ring = Ring::new()?;
        let mut batch = ring::batch()?;
        let of = |bytes, done| Record {
            start: 0,
            bytes,
            done,
        };
        ring.enter(of(1 << 30, Done::Gone));
        ring.enter(of(1 << 20, Done::Written));
        ring.enter(of((1 << 20) - 4096, Done::Written));
        let little = ring.is_worth_it();
        ring.enter(of(8192, Done::Written));
        let much = ring.is_worth_it();
        let end = ring.take(&mut batch);
        ring.reach(end);
        assert!(!little);
        assert!(much);
        assert!(!ring.is_worth_it());
        Ok(())
    }

    #[test]
    fn others_are_barred() -> Result {
        let ring = Ring::new()?;
        let record = Record::default();
        ring.bar(true);
        ring.bar(true);
        // Whoever flushes has to ask.
        let barred = (ring.enter(record), ring.is_stable(), ring.position());
        let let_in = ring.enter_barred(record);
        ring.bar(false);
        ring.bar(false);
        let free = (ring.enter(record), ring.enter_barred(record));
        assert_eq!(barred, (None, false, 0));
        assert_eq!(let_in, Some(1));
        assert_eq!(free, (Some(2), Some(3)));
        assert_eq!(ring.unstable(), 3);
        Ok(())
    }

    /// The position that is read before the records are taken is that of the last one, or before it.
    #[test]
    fn no_record_is_left_behind() -> Result {
        // Where each lock is checked and counted, so many take minutes.
        const EACH: usize = if cfg!(CONFIG_PROVE_LOCKING) {
            5_000
        } else {
            100_000
        };
        /// What is done between two naps.
        const BUSY: usize = 1000;

        let cx = &mut MaySleep::assert();
        let ring = Ring::new()?;
        let writers = Atomic::new(2);
        let race = Arc::new(Race { ring, writers }, GFP_KERNEL)?;
        let mut threads = KVec::with_capacity(2, GFP_KERNEL)?;
        for _ in 0..2 {
            let own = race.clone();
            let spawned = Thread::spawn(cx, c"blk_kunit", move |_cx, _stop| {
                let record = Record::default();
                let mut entered = 0;
                let _ = until(|| {
                    for _ in 0..BUSY {
                        let room = entered < EACH && own.ring.enter(record).is_some();
                        entered += usize::from(room);
                    }
                    entered == EACH
                });
                own.writers.fetch_sub(1, Relaxed);
            });
            threads.push(spawned?, GFP_KERNEL)?;
        }
        let (mut taken, mut behind, mut most) = (0, 0, 0);
        let mut batch = ring::batch()?;
        let over = until(|| {
            let last = race.writers.load(Relaxed) == 0;
            for _ in 0..BUSY {
                let end = race.ring.take(&mut batch);
                taken += batch.len() as u64;
                behind += u64::from(taken < end);
                most = most.max(batch.len());
                batch.clear();
                race.ring.reach(end);
            }
            last
        });
        for thread in threads {
            let _ = thread.join(cx);
        }
        assert!(over);
        assert_eq!(behind, 0);
        assert_eq!(taken, 2 * EACH as u64);
        assert!(most <= ROOM);
        Ok(())
    }
}
