// SPDX-License-Identifier: GPL-2.0

//! Wait for something that only one of those who wait can have.
//!
//! C: wait_event_interruptible_exclusive, wait_event_killable_exclusive, add_wait_queue_exclusive,
//! prepare_to_wait_exclusive
//! Rust: `.when(|jobs| !jobs.is_empty(), |jobs| jobs.remove(0))`
//! Not any more: a wake-up given to a task that does not use it, because of a signal or a time-out, and does not pass it
//! on; a second task that was faster; a look after the wake-up that finds nothing
//!
//! ```c
//! spin_lock(&queue->lock);
//! while (list_empty(&queue->jobs)) {
//!         spin_unlock(&queue->lock);
//!         if (wait_event_interruptible_exclusive(queue->wait, !list_empty_careful(&queue->jobs)))
//!                 return -ERESTARTSYS;
//!         spin_lock(&queue->lock);
//! }
//! job = list_first_entry(&queue->jobs, struct job, list);
//! ```

use baton::{
    event::Interruptible,
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::Mutex, //
};

#[pin_data]
struct Queue {
    #[pin]
    jobs: Event<KVec<u32>>,
}

fn next(queue: &Mutex<Queue>, cx: &mut MaySleep) -> Result<u32> {
    // Taken the moment that it is there, for the task that sleeps: nobody comes in between.
    queue
        .lock_in(cx)
        .on(|queue| &queue.jobs)
        .when(|jobs| !jobs.is_empty(), |jobs| jobs.remove(0))
        .wait(Interruptible)?
        .map_err(|_| EIO)
}

fn put(queue: &Mutex<Queue>, cx: &mut MaySleep, job: u32) -> Result {
    let mut held = queue.lock_in(cx);
    let jobs = held.as_mut().project().jobs;
    jobs.update(|jobs| jobs.push(job, GFP_KERNEL))?;
    Ok(())
}

#[kunit_tests(baton_waits_exclusive)]
mod tests {
    use super::*;
    use crate::{
        suite::until,
        Sleeper, //
    };
    use baton::new_event;
    use kernel::sync::{
        new_mutex,
        Arc, //
    };

    #[test]
    fn each_job_is_done_once() -> Result {
        let cx = &mut MaySleep::assert();
        let queue = Arc::pin_init(
            new_mutex!(pin_init!(Queue { jobs <- new_event!(KVec::new()) })),
            GFP_KERNEL,
        )?;
        let first = Sleeper::start(cx, &queue, next)?;
        let second = Sleeper::start(cx, &queue, next)?;
        let asleep = until(|| queue.lock_in(cx).jobs.waiters() == 2);
        // One is told to go, whoever that is; a signal of the other one takes nothing away.
        let put_one = put(&queue, cx, 1);
        first.thread().interrupt();
        let put_two = put(&queue, cx, 10);
        let (first, second) = (first.end(cx)?, second.end(cx)?);
        let left = queue.lock_in(cx).jobs.iter().sum::<u32>();
        assert!(asleep && put_one.is_ok() && put_two.is_ok());
        assert_eq!(first.unwrap_or(0) + second.unwrap_or(0) + left, 11);
        Ok(())
    }
}
