// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of the block layer accessors: disks that come and go, requests that are ended by
//! mistake, pages that are handed out once.
//!
//! Adding a disk reads from it, because the block layer looks for partitions: those are the requests.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use baton::{
    block::{
        crc32c,
        dropped_requests,
        GenDisk,
        GenDiskBuilder,
        Op,
        Operations,
        PagePool,
        Queued,
        Request,
        TagSet,
        SECTOR_SIZE, //
    },
    MaySleep, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    static_lock_class,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        ArcBorrow, //
    },
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta, //
    },
};

suite!(
    "block_kunit",
    "KUnit suite of baton's block layer accessors"
);

/// A disk that reads as zeroes, or that loses what it is asked for.
struct Tester {
    forgetful: bool,
    requests: Atomic<u32>,
    wrong: Atomic<u32>,
}

impl Tester {
    fn new(forgetful: bool) -> Result<Arc<Self>> {
        let tester = Self {
            forgetful,
            requests: Atomic::new(0),
            wrong: Atomic::new(0),
        };
        Ok(Arc::new(tester, GFP_KERNEL)?)
    }

    /// Reads zeroes; more than the request has room for is refused.
    fn serve(request: &mut Request) -> Result {
        let blocks = request.bytes() / SECTOR_SIZE;
        let mut sink = request.sink().ok_or(EIO)?;
        for _ in 0..blocks {
            sink.copy_from(&[0; SECTOR_SIZE as usize])?;
        }
        match sink.copy_from(&[0]) {
            Err(e) if e == EIO => Ok(()),
            _ => Err(EINVAL),
        }
    }
}

#[vtable]
impl Operations for Tester {
    type Data = Arc<Tester>;

    fn queue_rq(tester: ArcBorrow<'_, Tester>, mut request: Queued, _cx: &mut MaySleep) {
        tester.requests.fetch_add(1, Relaxed);
        if tester.forgetful {
            // The mistake: it is kept, and dropped here.
            drop(request.keep());
            return;
        }
        let aligned = request.start_byte() % u64::from(SECTOR_SIZE) == 0;
        if request.op() != Op::Read || request.source().is_some() || !aligned {
            tester.wrong.fetch_add(1, Relaxed);
        }
        let result = Self::serve(&mut request);
        if result.is_err() {
            tester.wrong.fetch_add(1, Relaxed);
        }
        request.end(result);
    }
}

/// Adds a disk of 1 MiB that `tester` serves.
fn disk(tester: Arc<Tester>, name: &CStr, cx: &mut MaySleep) -> Result<GenDisk<Tester>> {
    let tags = Arc::pin_init(TagSet::<Tester>::new(1, 0, 4), GFP_KERNEL)?;
    GenDiskBuilder::new()
        .capacity_sectors(2048)
        .build(name, tags, tester, static_lock_class!(), cx)
}

/// Whether nobody else has it any more.
fn is_last(tester: Arc<Tester>) -> bool {
    Arc::into_unique_or_drop(tester).is_some()
}

#[kunit_tests(baton_block)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_read_and_removed() -> Result {
        let cx = &mut MaySleep::assert();
        let tester = Tester::new(false)?;
        let disk = disk(tester.clone(), c"baton_kunit", cx)?;
        // The block layer has opened it to look for partitions; in a kernel thread, such as this one,
        // the last close is left to a worker.
        let claimed = disk.claim(msecs_to_jiffies(5000), cx).is_ok();
        disk.remove(cx)?;
        let (requests, wrong) = (tester.requests.load(Relaxed), tester.wrong.load(Relaxed));
        let last = is_last(tester);
        assert!(requests > 0);
        assert_eq!(wrong, 0);
        assert!(claimed);
        assert!(last);
        Ok(())
    }

    #[test]
    fn a_dropped_request_ends_with_an_error() -> Result {
        let cx = &mut MaySleep::assert();
        let tester = Tester::new(true)?;
        let before = dropped_requests();
        // Would never return if the requests were lost.
        let disk = disk(tester.clone(), c"baton_kunit", cx)?;
        disk.remove(cx)?;
        let requests = tester.requests.load(Relaxed);
        let dropped = dropped_requests() - before;
        assert!(requests > 0);
        assert_eq!(u64::from(requests), dropped);
        Ok(())
    }

    #[test]
    fn a_disk_that_is_marked_dead_can_be_removed() -> Result {
        let cx = &mut MaySleep::assert();
        let tester = Tester::new(false)?;
        let disk = disk(tester.clone(), c"baton_kunit", cx)?;
        disk.mark_dead(cx);
        disk.remove(cx)?;
        assert!(is_last(tester));
        Ok(())
    }

    #[test]
    fn what_cannot_be_a_disk_is_refused_and_freed() -> Result {
        let cx = &mut MaySleep::assert();
        let tester = Tester::new(false)?;
        let tags = Arc::pin_init(TagSet::<Tester>::new(1, 0, 4), GFP_KERNEL)?;
        let mut errors = 0;
        for size in [0, 256, 513, 3000, 2 * PAGE_SIZE as u32] {
            let built = GenDiskBuilder::new().logical_block_size(size).build(
                c"baton_kunit",
                tags.clone(),
                tester.clone(),
                static_lock_class!(),
                cx,
            );
            errors += u32::from(built.is_err_and(|e| e == EINVAL));
        }
        let name = c"a_name_of_32_bytes_is_one_too_long";
        let too_long = disk(tester.clone(), name, cx).is_err_and(|e| e == ENAMETOOLONG);
        let last = is_last(tester);
        assert_eq!(errors, 5);
        assert!(too_long);
        assert!(last);
        Ok(())
    }

    #[test]
    fn buffers_are_aligned_to_what_there_is() -> Result {
        let cx = &mut MaySleep::assert();
        let tester = Tester::new(false)?;
        let mut errors = 0;
        for bytes in [0, 1, 3, 2 * PAGE_SIZE as u32] {
            let tags = Arc::pin_init(TagSet::<Tester>::new(1, 0, 4), GFP_KERNEL)?;
            let built = GenDiskBuilder::new().buffer_alignment(bytes).build(
                c"baton_kunit",
                tags,
                tester.clone(),
                static_lock_class!(),
                cx,
            );
            errors += u32::from(built.is_err_and(|e| e == EINVAL));
        }
        assert_eq!(errors, 4);
        assert!(is_last(tester));
        Ok(())
    }

    #[test]
    fn a_name_is_taken_once() -> Result {
        let cx = &mut MaySleep::assert();
        let tester = Tester::new(false)?;
        let first = disk(tester.clone(), c"baton_kunit", cx)?;
        let second = disk(tester.clone(), c"baton_kunit", cx).err();
        first.remove(cx)?;
        let third = disk(tester.clone(), c"baton_kunit", cx);
        let free = third.is_ok();
        if let Ok(third) = third {
            third.remove(cx)?;
        }
        assert_eq!(second, Some(EEXIST));
        assert!(free);
        assert!(is_last(tester));
        Ok(())
    }

    #[test]
    fn a_frozen_disk_is_changed_and_removed() -> Result {
        let cx = &mut MaySleep::assert();
        let limit = msecs_to_jiffies(5000);
        let tester = Tester::new(false)?;
        let mut disk = disk(tester.clone(), c"baton_kunit", cx)?;
        let inside = disk.while_frozen(limit, cx, |disk, cx| {
            (disk.is_frozen(), disk.forget_cache(0, cx).err())
        })?;
        let thawed = !disk.is_frozen();
        disk.freeze(limit, cx)?;
        disk.freeze(limit, cx)?;
        let nested = disk.while_frozen(limit, cx, |_, _| ()).err();
        let queues = disk.set_queues(1, 0, limit, cx).err();
        disk.thaw(cx);
        disk.thaw(cx);
        disk.sync_cache(cx)?;
        disk.forget_cache(0, cx)?;
        let same = disk.set_queues(1, 0, limit, cx);
        let none = disk.set_queues(0, 0, limit, cx).err();
        let polled = disk.set_queues(1, 1, limit, cx).err();
        disk.freeze(limit, cx)?;
        // It would wait for itself if it stayed frozen.
        disk.remove(cx)?;
        let last = is_last(tester);
        assert_eq!(inside, (true, Some(EBUSY)));
        assert!(thawed);
        assert_eq!((nested, queues), (Some(EBUSY), Some(EBUSY)));
        assert_eq!(same, Ok(()));
        assert_eq!((none, polled), (Some(EINVAL), Some(EINVAL)));
        assert!(last);
        Ok(())
    }

    #[test]
    fn a_dropped_disk_is_removed_by_a_worker() -> Result {
        let cx = &mut MaySleep::assert();
        let tester = Tester::new(false)?;
        let before = baton::owner::dropped();
        drop(disk(tester.clone(), c"baton_kunit", cx)?);
        // Until the worker is done, the name is taken; until it is free for this.
        let mut again = Err(EEXIST);
        for _ in 0..500 {
            again = disk(tester.clone(), c"baton_kunit", cx);
            if again.is_ok() {
                break;
            }
            fsleep(Delta::from_millis(10));
        }
        let free = again.is_ok();
        if let Ok(again) = again {
            again.remove(cx)?;
        }
        assert!(free);
        assert_eq!(baton::owner::dropped() - before, 1);
        Ok(())
    }

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
    fn a_page_is_borrowed_once() -> Result {
        let cx = &mut MaySleep::assert();
        let pool = KBox::pin_init(PagePool::new(cx, 8, 8)?, GFP_KERNEL)?;
        let mut page = pool.alloc(cx)?;
        let id = page.id();
        let fresh = page.bytes().iter().all(|byte| *byte == 0) && page.bytes().len() == PAGE_SIZE;
        page.bytes_mut().fill(7);
        let second = pool.borrow(id).err();
        let freed = pool.free(id).err();
        drop(page);
        let again = pool.borrow(id)?;
        let kept = again.bytes().iter().all(|byte| *byte == 7);
        drop(again);
        assert!(fresh);
        assert_eq!(second, Some(EBUSY));
        assert_eq!(freed, Some(EBUSY));
        assert!(kept);
        assert_eq!(pool.refused(), 2);
        assert_eq!(pool.in_use(), 1);
        Ok(())
    }

    #[test]
    fn a_number_is_given_again_after_it_was_freed() -> Result {
        let cx = &mut MaySleep::assert();
        let pool = KBox::pin_init(PagePool::new(cx, 2, 4)?, GFP_KERNEL)?;
        let (first, second) = (pool.alloc(cx)?.id(), pool.alloc(cx)?.id());
        let third = pool.alloc(cx).err();
        pool.free(first)?;
        let gone = pool.borrow(first).err();
        let mut page = pool.alloc(cx)?;
        let (again, clean) = (page.id(), page.bytes_mut().iter().all(|byte| *byte == 0));
        page.free();
        assert!(first != second);
        assert_eq!(third, Some(ENOSPC));
        assert_eq!(gone, Some(EBUSY));
        assert_eq!(again, first);
        assert!(clean);
        assert_eq!(pool.in_use(), 1);
        Ok(())
    }

    #[test]
    fn the_limit_of_a_pool_is_changed() -> Result {
        let cx = &mut MaySleep::assert();
        let pool = KBox::pin_init(PagePool::new(cx, 2, 4)?, GFP_KERNEL)?;
        let mut ids = [0; 4];
        for id in &mut ids[..2] {
            *id = pool.alloc(cx)?.id();
        }
        let full = pool.alloc(cx).err();
        let too_many = pool.set_limit(5).err();
        pool.set_limit(4)?;
        for id in &mut ids[2..] {
            *id = pool.alloc(cx)?.id();
        }
        // What is in use beyond a smaller limit stays until it is freed.
        pool.set_limit(3)?;
        let beyond = pool.in_use();
        pool.free(ids[0])?;
        let still_full = pool.alloc(cx).err();
        pool.free(ids[1])?;
        let room = pool.alloc(cx).is_ok();
        let bad = PagePool::new(cx, 5, 4).err();
        assert_eq!(full, Some(ENOSPC));
        assert_eq!(too_many, Some(EINVAL));
        assert_eq!(beyond, 4);
        assert_eq!(still_full, Some(ENOSPC));
        assert!(room);
        assert_eq!(bad, Some(EINVAL));
        Ok(())
    }

    #[test]
    fn a_checksum_is_that_of_the_standard() -> Result {
        // RFC 3720, B.4: 32 bytes of zeroes, of ones, and "123456789" as everybody has it.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        Ok(())
    }

    #[test]
    fn poll_queues_need_somebody_who_serves_them() -> Result {
        let refused = Arc::pin_init(TagSet::<Tester>::new(1, 1, 4), GFP_KERNEL).err();
        assert_eq!(refused, Some(EINVAL));
        Ok(())
    }

    #[test]
    fn a_pool_grows_and_shrinks() -> Result {
        let cx = &mut MaySleep::assert();
        const PAGES: usize = 1500;
        let pool = KBox::pin_init(PagePool::new(cx, PAGES as u32, PAGES as u32)?, GFP_KERNEL)?;
        let mut ids = KVec::with_capacity(PAGES, GFP_KERNEL)?;
        for _ in 0..PAGES {
            ids.push(pool.alloc(cx)?.id(), GFP_KERNEL)?;
        }
        let full = pool.in_use();
        let mut seen = KVec::from_elem(false, PAGES, GFP_KERNEL)?;
        for id in &ids {
            if let Some(seen) = seen.get_mut(*id as usize) {
                *seen = true;
            }
        }
        // As many numbers as there are, and each of them was given.
        let distinct = seen.iter().all(|seen| *seen);
        for id in &ids {
            pool.free(*id)?;
        }
        let empty = pool.in_use();
        for _ in 0..PAGES {
            let _ = pool.alloc(cx)?.id();
        }
        assert!(distinct);
        assert_eq!((full, empty, pool.in_use()), (PAGES, 0, PAGES));
        Ok(())
    }
}
