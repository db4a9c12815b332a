// SPDX-License-Identifier: GPL-2.0

//! Who is in `queue_rq()`: more tasks at once than there are slots to note them in.

use crate::{
    disk,
    Tester, //
};
use baton::{
    block::{
        GenDisk,
        GenDiskBuilder,
        Operations,
        Queued,
        TagSet, //
    },
    event::{
        Mode,
        Uninterruptible, //
    },
    new_event,
    Event,
    LockIn,
    MaySleep,
    Thread, //
};
use kernel::{
    new_mutex,
    prelude::*,
    static_lock_class,
    str::CString,
    sync::{
        Arc,
        ArcBorrow,
        Mutex, //
    },
    time::msecs_to_jiffies, //
};

/// One more than there are slots in `rust/helpers_blk.c`: at least two of them have the same one.
const TASKS: u32 = 65;

/// What the disks of a crowd have in common: their first requests are served at the same time, and each of
/// these freezes another disk.
#[pin_data]
struct Crowd {
    #[pin]
    inside: Event<u32>,
    #[pin]
    other: Event<Option<GenDisk<Tester>>>,
    frozen: u32,
}

impl Crowd {
    /// Waits until all are in `queue_rq()`; then freezes the other disk, one after the other.
    fn freeze(crowd: &Mutex<Self>, cx: &mut MaySleep) -> Result {
        let limit = msecs_to_jiffies(30_000);
        crowd
            .lock_in(cx)
            .on(|crowd| &crowd.inside)
            .until(|inside| *inside >= TASKS)
            .wait(Uninterruptible.timeout(limit))?;
        let mut other = crowd
            .lock_in(cx)
            .on(|crowd| &crowd.other)
            .when(Option::is_some, Option::take)
            .wait(Uninterruptible.timeout(limit))?
            .ok_or(ENODEV)?;
        let frozen = other.freeze(limit, cx).is_ok();
        other.thaw(cx);
        let mut crowd = crowd.lock_in(cx);
        let crowd = crowd.as_mut().project();
        *crowd.frozen += u32::from(frozen);
        crowd.other.update(|place| *place = Some(other));
        Ok(())
    }
}

#[vtable]
impl Operations for Crowd {
    type Data = Arc<Mutex<Crowd>>;

    fn queue_rq(crowd: ArcBorrow<'_, Mutex<Crowd>>, mut request: Queued, cx: &mut MaySleep) {
        let mut held = crowd.lock_in(cx);
        let before = held.as_mut().project().inside.update(|inside| {
            *inside += 1;
            *inside - 1
        });
        drop(held);
        let result = if before < TASKS {
            Self::freeze(&crowd, cx)
        } else {
            Ok(())
        };
        let result = result.and_then(|()| Tester::serve(&mut request));
        request.end(result);
    }
}

/// Adds a disk, which reads from it, and removes it.
fn come_and_go(crowd: Arc<Mutex<Crowd>>, number: u32, cx: &mut MaySleep) -> Result {
    let name = CString::try_from_fmt(fmt!("baton_kunit{number}"))?;
    let tags = Arc::pin_init(TagSet::<Crowd>::new(1, 0, 1), GFP_KERNEL)?;
    let disk = GenDiskBuilder::new().capacity_sectors(2048).build(
        &name,
        tags,
        crowd,
        static_lock_class!(),
        cx,
    )?;
    disk.remove(cx)?;
    Ok(())
}

#[kunit_tests(baton_block_serving)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_that_two_share_is_not_taken_for_the_other_ones() -> Result {
        let cx = &mut MaySleep::assert();
        let other = disk(Tester::new(false)?, c"baton_kunit", cx)?;
        let crowd = Arc::pin_init(
            new_mutex!(pin_init!(Crowd {
                inside <- new_event!(0),
                other <- new_event!(Some(other)),
                frozen: 0,
            })),
            GFP_KERNEL,
        )?;
        let mut threads = KVec::with_capacity(TASKS as usize, GFP_KERNEL)?;
        for number in 0..TASKS {
            let crowd = crowd.clone();
            // Who has no disk is missed by the others, and by the count.
            let thread = Thread::spawn(cx, c"baton_crowd", move |cx, _| {
                let _ = come_and_go(crowd, number, cx);
            })?;
            threads.push(thread, GFP_KERNEL)?;
        }
        for thread in threads {
            thread.join(cx)?;
        }
        let mut held = crowd.lock_in(cx);
        let frozen = held.frozen;
        let other = held.as_mut().project().other.update(Option::take);
        drop(held);
        if let Some(other) = other {
            other.remove(cx)?;
        }
        assert_eq!(frozen, TASKS);
        Ok(())
    }
}
