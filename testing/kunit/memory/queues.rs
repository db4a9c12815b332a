// SPDX-License-Identifier: GPL-2.0

//! Queues of a disk that there is no memory for.

use crate::{
    witness,
    Witness, //
};
use baton::{
    block::{
        GenDiskBuilder,
        Operations,
        Queued,
        TagSet, //
    },
    fault::nth_allocation,
    testing::{
        self,
        Log, //
    },
    MaySleep, //
};
use kernel::{
    prelude::*,
    static_lock_class,
    sync::{
        Arc,
        ArcBorrow, //
    },
    time::msecs_to_jiffies, //
};

/// Changing the number of queues does not need as many allocations.
const MANY: u32 = 1000;

/// A disk that nobody reads, by whatever queue.
struct Nothing;

#[vtable]
impl Operations for Nothing {
    type Data = Witness;

    fn queue_rq(_: ArcBorrow<'_, ()>, request: Queued, _cx: &mut MaySleep) {
        request.end(Err(EIO));
    }

    fn poll(_: ArcBorrow<'_, ()>) -> usize {
        0
    }
}

/// Which CPUs each of the three queues serves.
fn cpus(cx: &mut MaySleep) -> Result<[KVec<u8>; 3]> {
    Ok([
        testing::read(
            cx,
            c"/sys/devices/virtual/block/memory_kunit2/mq/0/cpu_list",
        )?,
        testing::read(
            cx,
            c"/sys/devices/virtual/block/memory_kunit2/mq/1/cpu_list",
        )?,
        testing::read(
            cx,
            c"/sys/devices/virtual/block/memory_kunit2/mq/2/cpu_list",
        )?,
    ])
}

#[kunit_tests(baton_memory_queues)]
mod tests {
    use super::*;

    /// The block layer falls back to as many as there were, after it was told how many of them are polled.
    #[test]
    fn every_cpu_has_the_queues_that_it_had() -> Result {
        let cx = &mut MaySleep::assert();
        let limit = msecs_to_jiffies(10_000);
        // Several, so that there is no scheduler, which would have to be put together again.
        let tags = Arc::pin_init(TagSet::<Nothing>::new(2, 1, 4), GFP_KERNEL)?;
        let mut disk = GenDiskBuilder::new().build(
            c"memory_kunit2",
            tags.clone(),
            witness()?,
            static_lock_class!(),
            cx,
        )?;
        let before = cpus(cx)?;
        let log = Log::here();
        let (mut changed, mut fallbacks) = (Ok(()), 0);
        for nth in 1..MANY {
            let (now, refused) = nth_allocation(nth, || disk.set_queues(2, 2, limit, cx));
            changed = now;
            fallbacks = log.lines(&["Increasing nr_hw_queues to 4 fails, fallback to 3"]);
            if fallbacks > 0 || !refused {
                break;
            }
            if now.is_ok() {
                // It did without.
                disk.set_queues(2, 1, limit, cx)?;
            }
        }
        let after = cpus(cx)?;
        disk.remove(cx)?;
        // One of them serves the CPUs that do not poll, and another one all that do.
        assert!(before[0] != before[2]);
        assert_eq!(fallbacks, 1);
        assert_eq!((changed, tags.hw_queues()), (Err(ENOMEM), 3));
        assert!(before == after);
        Ok(())
    }
}
