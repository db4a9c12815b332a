// SPDX-License-Identifier: GPL-2.0

//! Wait until a number is reached, each until another one.
//!
//! C: `wait_event(wq, written >= lsn)` and `wake_up_all()`, as in xfs and jbd2
//! Rust: `.on_threshold(|s| &s.written).at_least(lsn)`
//! Not any more: a step after which nobody was woken; all who wait woken and looking at each step
//!
//! ```c
//! wait_event(log->wait, READ_ONCE(log->written) >= lsn);
//!
//! spin_lock(&log->lock);
//! WRITE_ONCE(log->written, lsn);
//! spin_unlock(&log->lock);
//! wake_up_all(&log->wait);
//! ```

use baton::{
    event::{
        Closed,
        ThresholdEvent,
        Uninterruptible, //
    },
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::SpinLock, //
};

#[pin_data]
struct Log {
    #[pin]
    written: ThresholdEvent<u64>,
}

fn force(log: &SpinLock<Log>, cx: &mut MaySleep, lsn: u64) -> Result<(), Closed> {
    log.lock_in(cx)
        .on_threshold(|s| &s.written)
        .at_least(lsn)
        .wait(Uninterruptible)
}

fn wrote(log: &SpinLock<Log>, cx: &mut MaySleep, lsn: u64) {
    let mut held = log.lock_in(cx);
    held.as_mut()
        .project()
        .written
        .update(|written| *written = lsn);
}

#[kunit_tests(baton_waits_threshold)]
mod tests {
    use super::*;
    use crate::told;
    use baton::event::new_threshold_event;
    use kernel::sync::{
        new_spinlock,
        Arc, //
    };

    #[test]
    fn it_waits_for_its_number() -> Result {
        let cx = &mut MaySleep::assert();
        let log = Arc::pin_init(
            new_spinlock!(pin_init!(Log { written <- new_threshold_event!(0) })),
            GFP_KERNEL,
        )?;
        let mut sleeps_on = false;
        let got = told(
            cx,
            &log,
            |log, cx| force(log, cx, 20),
            |log, cx| log.lock_in(cx).written.waiters(),
            |log, cx| {
                wrote(log, cx, 19);
                sleeps_on = log.lock_in(cx).written.waiters() == 1;
                wrote(log, cx, 25);
            },
        )?;
        assert!(sleeps_on);
        assert_eq!(got, Ok(()));
        Ok(())
    }
}
