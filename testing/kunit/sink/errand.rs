// SPDX-License-Identifier: GPL-2.0

//! Errands: who does them, and when. Their task is none of the kernel's own threads.

use super::probe::until;
use baton::{
    drain::{
        new_drain,
        Drain,
        DrainError, //
    },
    event::{
        Interruptible,
        Mode,
        Timeout,
        Uninterruptible, //
    },
    parkable,
    sink::{
        Errand,
        Finish,
        TaskWork, //
    },
    testing::in_user_task,
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
    },
    task::Task,
    time::msecs_to_jiffies, //
};

parkable! {
    /// Notes who does it.
    struct Trip {
        number: u32,
    }
}

/// How many trips there were, the sum of their numbers, and the task of the last one. One test at a time
/// uses them.
static DONE: Atomic<u32> = Atomic::new(0);
static SUM: Atomic<u32> = Atomic::new(0);
static BY: Atomic<usize> = Atomic::new(0);

#[vtable]
impl Errand for Trip {
    fn run(self) {
        SUM.fetch_add(self.number, Relaxed);
        BY.store(this_task(), Relaxed);
        DONE.fetch_add(1, Full);
    }
}

fn this_task() -> usize {
    Task::current_raw() as usize
}

/// Forgets earlier trips.
fn start() {
    DONE.store(0, Relaxed);
    SUM.store(0, Relaxed);
    BY.store(0, Relaxed);
}

/// How many trips there were, and the sum of their numbers.
fn done() -> (u32, u32) {
    (DONE.load(Acquire), SUM.load(Relaxed))
}

fn trip(cx: &mut MaySleep, number: u32) -> Result<TaskWork<Trip>> {
    TaskWork::new(cx, Trip { number }).map_err(|(_, error)| error)
}

fn drain() -> Result<Arc<Drain>> {
    Arc::pin_init(new_drain!("sink_kunit_errand"), GFP_KERNEL)
}

/// A wait that is sure to end at once, and ends at last if it does not.
fn limited() -> Timeout<Uninterruptible> {
    Uninterruptible.timeout(msecs_to_jiffies(10_000))
}

#[kunit_tests(baton_sink_errand)]
mod tests {
    use super::*;

    /// It is done when the task leaves, which here is when it exits, and not before.
    #[test]
    fn a_task_does_its_errands_when_it_leaves() -> Result {
        let cx = &mut MaySleep::assert();
        start();
        let (before, task) = in_user_task(cx, |cx| -> Result<_> {
            let (first, second) = (trip(cx, 1)?, trip(cx, 2)?);
            first.queue();
            second.queue();
            Ok((done(), this_task()))
        })??;
        assert_eq!(before, (0, 0));
        assert_eq!(done(), (2, 3));
        assert_eq!(BY.load(Relaxed), task);
        Ok(())
    }

    /// Nobody else is left to do it.
    #[test]
    fn the_errand_of_a_task_that_has_exited_is_done_by_who_queues_it() -> Result {
        let cx = &mut MaySleep::assert();
        start();
        let work = in_user_task(cx, |cx| trip(cx, 4))??;
        let before = done();
        work.queue();
        assert_eq!(before, (0, 0));
        assert_eq!(done(), (1, 4));
        assert_eq!(BY.load(Relaxed), this_task());
        Ok(())
    }

    #[test]
    fn a_dropped_errand_is_done_there_and_then() -> Result {
        let cx = &mut MaySleep::assert();
        start();
        let (work, inside) = in_user_task(cx, |cx| -> Result<_> {
            drop(trip(cx, 1)?);
            Ok((trip(cx, 2)?, done()))
        })??;
        let before = done();
        drop(work);
        assert_eq!(inside, (1, 1));
        assert_eq!(before, (1, 1));
        assert_eq!(done(), (2, 3));
        assert_eq!(BY.load(Relaxed), this_task());
        Ok(())
    }

    /// A task that sleeps interruptibly comes back for it.
    #[test]
    fn an_errand_wakes_its_task() -> Result {
        let cx = &mut MaySleep::assert();
        start();
        let drain = drain()?;
        let reference = drain.try_begin()?;
        let handed: Arc<Mutex<Option<TaskWork<Trip>>>> =
            Arc::pin_init(new_mutex!(None), GFP_KERNEL)?;
        let ended = Arc::new([Atomic::new(0i32), Atomic::new(0)], GFP_KERNEL)?;
        let task = Arc::new(Atomic::new(0usize), GFP_KERNEL)?;
        let (theirs, hand, end, who) = (drain.clone(), handed.clone(), ended.clone(), task.clone());
        let thread = Thread::spawn(cx, c"sink_kunit", move |cx, _| {
            let waited = in_user_task(cx, |cx| -> Result {
                who.store(this_task(), Relaxed);
                let work = trip(cx, 8)?;
                *hand.lock_in(cx) = Some(work);
                let mut shut = theirs.shut(cx, limited())?;
                Ok(shut.wait(Interruptible.timeout(msecs_to_jiffies(10_000)))?)
            });
            let errno = waited.and_then(|waited| waited);
            let [came, how] = &*end;
            how.store(errno.map_or_else(Error::to_errno, |()| 0), Relaxed);
            came.store(1, Release);
        })?;
        let mut work = None;
        let came = until(|| {
            work = handed.lock_in(cx).take();
            work.is_some()
        });
        let shut = until(|| drain.try_begin().is_err());
        let before = done();
        if let Some(work) = work {
            work.queue();
        }
        let _ = thread.join(cx);
        reference.end();
        assert!(came);
        assert!(shut);
        assert_eq!(before, (0, 0));
        let [came, how] = &*ended;
        assert_eq!(came.load(Acquire), 1);
        assert_eq!(how.load(Relaxed), ERESTARTSYS.to_errno());
        assert_eq!(done(), (1, 8));
        assert_eq!(BY.load(Relaxed), task.load(Relaxed));
        Ok(())
    }

    /// From when it is an errand until it was done, its task does not wait for it.
    #[test]
    fn the_end_of_a_reference_is_an_errand() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let theirs = drain.clone();
        let (made, queued, dropped, before) = in_user_task(cx, |cx| -> Result<_> {
            let first = theirs.try_begin()?.into_task_work(cx);
            let second = theirs.try_begin()?.into_task_work(cx);
            let (Ok(mut first), Ok(second)) = (first.map(Some), second) else {
                return Err(EINVAL);
            };
            let mut shut = theirs.shut(cx, limited())?;
            let made = shut.wait(limited());
            if let Some(first) = first.take() {
                first.finish(shut.inner());
            }
            let queued = shut.wait(limited());
            drop(second);
            let dropped = theirs.in_flight();
            Ok((made, queued, dropped, shut.wait(limited())))
        })??;
        let mut shut = drain.shut(cx, limited())?;
        let after = shut.wait(limited());
        assert_eq!(made, Err(DrainError::Deadlock));
        assert_eq!(queued, Err(DrainError::Deadlock));
        assert_eq!(dropped, 1);
        assert_eq!(before, Err(DrainError::Deadlock));
        assert_eq!(after, Ok(()));
        Ok(())
    }

    /// What is refused is as it was: it is still counted, and not parked any more.
    #[test]
    fn what_cannot_be_an_errand_comes_back() -> Result {
        let cx = &mut MaySleep::assert();
        let drain = drain()?;
        let theirs = drain.clone();
        let (kept, refused, counted) = in_user_task(cx, |cx| -> Result<_> {
            let mut kept = KVec::with_capacity(17, GFP_KERNEL)?;
            let mut refused = 0;
            for _ in 0..17 {
                match theirs.try_begin()?.into_task_work(cx) {
                    Ok(work) => kept.push(work, GFP_KERNEL)?,
                    Err(reference) => {
                        refused += 1;
                        reference.end();
                    }
                }
            }
            Ok((kept.len(), refused, theirs.in_flight()))
        })??;
        assert_eq!((kept, refused), (16, 1));
        assert_eq!(counted, 16);
        assert_eq!(drain.in_flight(), 0);
        Ok(())
    }
}
