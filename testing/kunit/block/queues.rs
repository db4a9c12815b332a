// SPDX-License-Identifier: GPL-2.0

//! Tag sets: how many queues and requests there can be, and how that is changed.

use crate::Tester;
use baton::{
    block::{
        GenDiskBuilder,
        Operations,
        Queued,
        TagSet, //
    },
    MaySleep, //
};
use kernel::{
    cpu::nr_cpu_ids,
    prelude::*,
    static_lock_class,
    sync::{
        Arc,
        ArcBorrow, //
    },
    time::msecs_to_jiffies, //
};

/// A disk that reads as zeroes, whose driver can be polled.
struct Poller;

#[vtable]
impl Operations for Poller {
    type Data = Arc<Tester>;

    fn queue_rq(_tester: ArcBorrow<'_, Tester>, mut request: Queued, _cx: &mut MaySleep) {
        let result = Tester::serve(&mut request);
        request.end(result);
    }

    fn poll(_tester: ArcBorrow<'_, Tester>) -> usize {
        0
    }
}

#[kunit_tests(baton_block_queues)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_queues_and_requests_are_checked() -> Result {
        let mut refused = 0;
        for (queues, poll, depth) in [
            (0, 0, 4),
            (u32::MAX, 0, 4),
            (u32::MAX, u32::MAX, 4),
            (1, u32::MAX, 4),
            (1, 0, 0),
            (1, 0, 10241),
            (1, 0, u32::MAX),
        ] {
            let set = Arc::pin_init(TagSet::<Tester>::new(queues, poll, depth), GFP_KERNEL);
            refused += u32::from(set.err() == Some(EINVAL));
        }
        let deepest = Arc::pin_init(TagSet::<Tester>::new(1, 0, 10240), GFP_KERNEL)?;
        assert_eq!(refused, 7);
        assert_eq!((deepest.hw_queues(), deepest.depth()), (1, 10240));
        Ok(())
    }

    #[test]
    fn poll_queues_need_somebody_who_serves_them() -> Result {
        let refused = Arc::pin_init(TagSet::<Tester>::new(1, 1, 4), GFP_KERNEL).err();
        assert_eq!(refused, Some(EINVAL));
        Ok(())
    }

    #[test]
    fn the_number_of_queues_is_changed() -> Result {
        let cx = &mut MaySleep::assert();
        let limit = msecs_to_jiffies(10_000);
        let tags = Arc::pin_init(TagSet::<Tester>::new(1, 0, 4), GFP_KERNEL)?;
        let mut disk = GenDiskBuilder::new().capacity_sectors(2048).build(
            c"baton_kunit",
            tags.clone(),
            Tester::new(false)?,
            static_lock_class!(),
            cx,
        )?;
        let cpus = nr_cpu_ids();
        let more = disk.set_queues(cpus, 0, limit, cx);
        let as_many = tags.hw_queues();
        let too_many = disk.set_queues(cpus + 1, 0, limit, cx);
        let still = tags.hw_queues();
        let one = disk.set_queues(1, 0, limit, cx);
        let frozen = disk.is_frozen();
        disk.remove(cx)?;
        assert_eq!((more, as_many), (Ok(()), cpus));
        assert_eq!((too_many, still), (Err(EINVAL), cpus));
        assert_eq!((one, tags.hw_queues()), (Ok(()), 1));
        assert!(!frozen);
        Ok(())
    }

    #[test]
    fn a_disk_that_was_removed_lets_go_of_its_tags() -> Result {
        let cx = &mut MaySleep::assert();
        let tags = Arc::pin_init(TagSet::<Tester>::new(1, 0, 4), GFP_KERNEL)?;
        let disk = GenDiskBuilder::new().capacity_sectors(2048).build(
            c"baton_kunit",
            tags.clone(),
            Tester::new(false)?,
            static_lock_class!(),
            cx,
        )?;
        disk.remove(cx)?;
        assert!(Arc::into_unique_or_drop(tags).is_some());
        Ok(())
    }

    #[test]
    fn poll_queues_neither_come_nor_go() -> Result {
        let cx = &mut MaySleep::assert();
        let limit = msecs_to_jiffies(10_000);
        let mut results = [(Ok(()), Ok(())); 2];
        for (poll, result) in results.iter_mut().enumerate() {
            let poll = poll as u32;
            let tags = Arc::pin_init(TagSet::<Poller>::new(1, poll, 4), GFP_KERNEL)?;
            let mut disk = GenDiskBuilder::new().capacity_sectors(2048).build(
                c"baton_kunit",
                tags.clone(),
                Tester::new(false)?,
                static_lock_class!(),
                cx,
            )?;
            *result = (
                disk.set_queues(1, 1 - poll, limit, cx),
                disk.set_queues(1, poll, limit, cx),
            );
            disk.remove(cx)?;
            if tags.hw_queues() != 1 + poll {
                return Err(ERANGE);
            }
        }
        assert_eq!(results, [(Err(EINVAL), Ok(())), (Err(EINVAL), Ok(()))]);
        Ok(())
    }
}
