// SPDX-License-Identifier: GPL-2.0

//! KUnit suite of the block layer accessors: disks that come and go, requests that are ended by
//! mistake.
//!
//! Adding a disk reads from it, because the block layer looks for partitions: those are the requests.

#[macro_use]
#[path = "suite.rs"]
mod suite;

use baton::{
    block::{
        crc32c,
        dropped_requests,
        is_without_io,
        without_io,
        xxh64,
        GenDisk,
        GenDiskBuilder,
        Op,
        Operations,
        Queued,
        Request,
        TagSet,
        SECTOR_SIZE, //
    },
    testing,
    LockIn,
    MaySleep, //
};
use kernel::{
    new_mutex,
    page::PAGE_SIZE,
    prelude::*,
    static_lock_class,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        ArcBorrow,
        Mutex, //
    },
    time::{
        msecs_to_jiffies,
        Delta,
        Instant,
        Monotonic, //
    },
};

#[path = "block/pages.rs"]
mod pages;

#[path = "block/queues.rs"]
mod queues;

#[path = "block/serving.rs"]
mod serving;

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
        let right = request.op() == Op::Read && request.source().is_none() && aligned;
        if !right || !is_without_io() {
            tester.wrong.fetch_add(1, Relaxed);
        }
        let result = Self::serve(&mut request);
        if result.is_err() {
            tester.wrong.fetch_add(1, Relaxed);
        }
        request.end(result);
    }
}

/// The same disk, whose requests freeze another one.
#[pin_data]
struct Freezer {
    #[pin]
    other: Mutex<Option<GenDisk<Tester>>>,
    frozen: Atomic<u32>,
}

#[vtable]
impl Operations for Freezer {
    type Data = Arc<Freezer>;

    fn queue_rq(freezer: ArcBorrow<'_, Freezer>, mut request: Queued, cx: &mut MaySleep) {
        let other = freezer.other.lock_in(cx).take();
        if let Some(mut other) = other {
            let frozen = other.freeze(msecs_to_jiffies(10_000), cx).is_ok();
            other.thaw(cx);
            freezer.frozen.fetch_add(u32::from(frozen), Relaxed);
            *freezer.other.lock_in(cx) = Some(other);
        }
        let result = Tester::serve(&mut request);
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
        let begin = Instant::<Monotonic>::now();
        let claimed = disk.claim(msecs_to_jiffies(10_000), cx).is_ok();
        // Told by the last close, not by the end of the time.
        let told = begin.elapsed() < Delta::from_secs(10);
        disk.remove(cx)?;
        let (requests, wrong) = (tester.requests.load(Relaxed), tester.wrong.load(Relaxed));
        let last = is_last(tester);
        assert!(requests > 0);
        assert_eq!(wrong, 0);
        assert!(claimed);
        assert!(told);
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
        assert!(GenDiskBuilder::is_block_size(512));
        assert!(GenDiskBuilder::is_block_size(PAGE_SIZE as u32));
        assert!(!GenDiskBuilder::is_block_size(2 * PAGE_SIZE as u32));
        assert!(too_long);
        assert!(last);
        Ok(())
    }

    #[test]
    fn a_physical_block_is_at_least_a_logical_one() -> Result {
        let cx = &mut MaySleep::assert();
        let mut results = [Ok(()); 4];
        let sizes = [(4096, 512), (512, 3000), (512, 0), (512, 1 << 16)];
        for (result, (logical, physical)) in results.iter_mut().zip(sizes) {
            let tags = Arc::pin_init(TagSet::<Tester>::new(1, 0, 4), GFP_KERNEL)?;
            let built = GenDiskBuilder::new()
                .logical_block_size(logical)
                .physical_block_size(physical)
                .build(
                    c"baton_kunit",
                    tags,
                    Tester::new(false)?,
                    static_lock_class!(),
                    cx,
                );
            *result = match built {
                Ok(disk) => disk.remove(cx).map_err(Error::from),
                Err(e) => Err(e),
            };
        }
        assert_eq!(results, [Err(EINVAL), Err(EINVAL), Err(EINVAL), Ok(())]);
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
        let limit = msecs_to_jiffies(10_000);
        let tester = Tester::new(false)?;
        let mut disk = disk(tester.clone(), c"baton_kunit", cx)?;
        let inside = disk.while_frozen(limit, cx, |disk, cx| {
            (
                disk.is_frozen(),
                disk.forget_cache(0, cx).err(),
                disk.sync_cache(cx).err(),
            )
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
        let nowhere = disk.forget_cache(u64::MAX, cx).err();
        let same = disk.set_queues(1, 0, limit, cx);
        let none = disk.set_queues(0, 0, limit, cx).err();
        let polled = disk.set_queues(1, 1, limit, cx).err();
        disk.freeze(limit, cx)?;
        // It would wait for itself if it stayed frozen.
        disk.remove(cx)?;
        let last = is_last(tester);
        assert_eq!(inside, (true, Some(EBUSY), Some(EBUSY)));
        assert_eq!(nowhere, Some(EINVAL));
        assert!(thawed);
        assert_eq!((nested, queues), (Some(EBUSY), Some(EBUSY)));
        assert_eq!(same, Ok(()));
        assert_eq!((none, polled), (Some(EINVAL), Some(EINVAL)));
        assert!(last);
        Ok(())
    }

    #[test]
    fn a_request_may_freeze_another_disk() -> Result {
        let cx = &mut MaySleep::assert();
        let other = disk(Tester::new(false)?, c"baton_kunit0", cx)?;
        let freezer = Arc::pin_init(
            pin_init!(Freezer {
                other <- new_mutex!(Some(other)),
                frozen: Atomic::new(0),
            }),
            GFP_KERNEL,
        )?;
        let tags = Arc::pin_init(TagSet::<Freezer>::new(1, 0, 4), GFP_KERNEL)?;
        let disk = GenDiskBuilder::new().capacity_sectors(2048).build(
            c"baton_kunit1",
            tags,
            freezer.clone(),
            static_lock_class!(),
            cx,
        )?;
        disk.remove(cx)?;
        let other = freezer.other.lock_in(cx).take();
        if let Some(other) = other {
            other.remove(cx)?;
        }
        assert!(freezer.frozen.load(Relaxed) > 0);
        Ok(())
    }

    #[test]
    fn without_io_is_until_the_outermost_ends() -> Result {
        let cx = &mut MaySleep::assert();
        let before = is_without_io();
        let (outer, inner, again) = without_io(cx, |cx| {
            let outer = is_without_io();
            let inner = without_io(cx, |_| is_without_io());
            (outer, inner, is_without_io())
        });
        let after = is_without_io();
        assert!(!before);
        assert_eq!((outer, inner, again), (true, true, true));
        assert!(!after);
        Ok(())
    }

    #[test]
    fn a_dropped_disk_is_removed_by_a_worker() -> Result {
        let cx = &mut MaySleep::assert();
        let tester = Tester::new(false)?;
        let before = baton::owner::dropped();
        let folder = c"/sys/devices/virtual/block/baton_kunit";
        let dropped = disk(tester.clone(), c"baton_kunit", cx)?;
        let there = testing::read(cx, folder).err() != Some(ENOENT);
        drop(dropped);
        // Until the worker is done, the name is taken. Who takes it too early gets the driver core to say so, with
        // a trace.
        let gone = suite::until(|| testing::read(cx, folder).err() == Some(ENOENT));
        let again = disk(tester.clone(), c"baton_kunit", cx);
        let free = again.is_ok();
        if let Ok(again) = again {
            again.remove(cx)?;
        }
        assert!(there && gone && free);
        assert_eq!(baton::owner::dropped() - before, 1);
        Ok(())
    }

    #[test]
    fn a_checksum_is_that_of_the_standard() -> Result {
        // RFC 3720, B.4: 32 bytes of zeroes, of ones, and "123456789" as everybody has it.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        // As its author's program prints them.
        assert_eq!(xxh64(b""), 0xef46_db37_51d8_e999);
        assert_eq!(xxh64(b"abc"), 0x44bc_2cf5_ad77_0999);
        assert_eq!(xxh64(&[0; 32]), 0xf6e9_be5d_7063_2cf5);
        Ok(())
    }
}
