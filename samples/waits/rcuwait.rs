// SPDX-License-Identifier: GPL-2.0

//! Wait as the only one who may.
//!
//! C: rcuwait_init, rcuwait_wait_event, rcuwait_wake_up, rcuwait_active, prepare_to_rcuwait, finish_rcuwait
//! Rust: `.until(|readers| *readers == 0).wait(Uninterruptible)`
//! Not any more: a second task that waits, and takes the place of the first one, which nobody wakes then
//!
//! ```c
//! rcuwait_wait_event(&sem->writer, !readers_active(sem), TASK_UNINTERRUPTIBLE);
//!
//! this_cpu_dec(*sem->read_count);
//! rcuwait_wake_up(&sem->writer);
//! ```

use baton::{
    event::{
        Closed,
        Uninterruptible, //
    },
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::SpinLock, //
};

#[pin_data]
struct Semaphore {
    #[pin]
    readers: Event<usize>,
}

/// Any number of tasks may wait.
fn wait(semaphore: &SpinLock<Semaphore>, cx: &mut MaySleep) -> Result<(), Closed> {
    semaphore
        .lock_in(cx)
        .on(|semaphore| &semaphore.readers)
        .until(|readers| *readers == 0)
        .wait(Uninterruptible)
}

fn end_read(semaphore: &SpinLock<Semaphore>, cx: &mut MaySleep) {
    let mut held = semaphore.lock_in(cx);
    let readers = held.as_mut().project().readers;
    readers.update(|readers| *readers -= 1);
}

#[kunit_tests(baton_waits_rcuwait)]
mod tests {
    use super::*;
    use crate::{
        suite::until,
        Sleeper, //
    };
    use baton::new_event;
    use kernel::sync::{
        new_spinlock,
        Arc, //
    };

    #[test]
    fn two_may_wait_all_the_same() -> Result {
        let cx = &mut MaySleep::assert();
        let semaphore = Arc::pin_init(
            new_spinlock!(pin_init!(Semaphore { readers <- new_event!(1) })),
            GFP_KERNEL,
        )?;
        let first = Sleeper::start(cx, &semaphore, wait)?;
        let second = Sleeper::start(cx, &semaphore, wait)?;
        let asleep = until(|| semaphore.lock_in(cx).readers.waiters() == 2);
        end_read(&semaphore, cx);
        let (first, second) = (first.end(cx)?, second.end(cx)?);
        assert!(asleep);
        assert_eq!((first, second), (Ok(()), Ok(())));
        Ok(())
    }
}
