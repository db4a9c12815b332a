// SPDX-License-Identifier: GPL-2.0

//! Wait for what no macro can say.
//!
//! C: DEFINE_WAIT, init_wait, prepare_to_wait, prepare_to_wait_event, finish_wait
//! Rust: `.when(move |free| *free >= want, move |free| *free -= want)`
//! Not any more: `schedule()` without `prepare_to_wait()` before the look; `finish_wait()` left out on one path, with an entry on
//! the stack of a function that has returned; a task that sleeps in the condition, its state changed already
//!
//! ```c
//! DEFINE_WAIT(wait);
//!
//! spin_lock(&log->lock);
//! for (;;) {
//!         prepare_to_wait(&log->wait, &wait, TASK_UNINTERRUPTIBLE);
//!         if (log->free >= want)
//!                 break;
//!         spin_unlock(&log->lock);
//!         schedule();
//!         spin_lock(&log->lock);
//! }
//! log->free -= want;
//! finish_wait(&log->wait, &wait);
//! spin_unlock(&log->lock);
//! ```

use baton::{
    event::{
        Closed,
        Uninterruptible, //
    },
    Event,
    Fifo,
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::SpinLock, //
};

#[pin_data]
struct Log {
    /// Whoever wants much is not overtaken by those who want little.
    #[pin]
    free: Event<usize, Fifo>,
}

fn reserve(log: &SpinLock<Log>, cx: &mut MaySleep, want: usize) -> Result<(), Closed> {
    log.lock_in(cx)
        .on(|log| &log.free)
        .when(move |free| *free >= want, move |free| *free -= want)
        .wait(Uninterruptible)
}

#[kunit_tests(baton_waits_by_hand)]
mod tests {
    use super::*;
    use crate::told;
    use baton::new_event;
    use kernel::sync::{
        new_spinlock,
        Arc, //
    };

    #[test]
    fn it_waits_until_there_is_enough() -> Result {
        let cx = &mut MaySleep::assert();
        let log = Arc::pin_init(
            new_spinlock!(pin_init!(Log { free <- new_event!(1) })),
            GFP_KERNEL,
        )?;
        let got = told(
            cx,
            &log,
            |log, cx| reserve(log, cx, 3),
            |log, cx| log.lock_in(cx).free.waiters(),
            |log, cx| {
                for _ in 0..2 {
                    log.lock_in(cx)
                        .update(|log| log.project().free, |free| *free += 1);
                }
            },
        )?;
        assert_eq!(got, Ok(()));
        assert_eq!(*log.lock_in(cx).free, 0);
        Ok(())
    }
}
