// SPDX-License-Identifier: GPL-2.0

//! Have a thread pause, and know that it does.
//!
//! C: kthread_park, kthread_unpark, kthread_parkme, kthread_should_park, kthread_should_stop_or_park
//! Rust: `.on(|run| &run.parked).until(|parked| *parked)`
//! Not any more: `kthread_park()` of a thread that never comes to `kthread_parkme()`: here it can be killed,
//! and a stop of the thread ends the pause. (`agent::Agent` does this for whole runs.)
//!
//! ```c
//! if (kthread_should_park())
//!         kthread_parkme();
//!
//! kthread_park(thread);        /* sleeps until it is parked */
//! ```

use baton::{
    event::{
        Closed,
        Idle,
        Killable,
        WaitError, //
    },
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::Mutex, //
};

#[pin_data]
struct Run {
    #[pin]
    wanted: Event<bool>,
    #[pin]
    parked: Event<bool>,
}

/// Called by the thread wherever it may pause. Its stop ends that.
fn park_me(run: &Mutex<Run>, cx: &mut MaySleep) -> Result<(), Closed> {
    let mut held = run.lock_in(cx);
    let wanted = *held.wanted;
    held.update(|run| run.project().parked, |parked| *parked = !wanted);
    let wait = held.on(|run| &run.wanted).until(|wanted| *wanted);
    let (mut held, result) = wait.wait_relock(Idle);
    held.update(|run| run.project().parked, |parked| *parked = false);
    result
}

fn park(run: &Mutex<Run>, cx: &mut MaySleep) -> Result<(), WaitError> {
    let mut held = run.lock_in(cx);
    held.update(|run| run.project().wanted, |wanted| *wanted = false);
    held.on(|run| &run.parked)
        .until(|parked| *parked)
        .wait(Killable)
}

fn unpark(run: &Mutex<Run>, cx: &mut MaySleep) {
    run.lock_in(cx)
        .update(|run| run.project().wanted, |wanted| *wanted = true);
}

#[kunit_tests(baton_waits_kthread_park)]
mod tests {
    use super::*;
    use crate::Sleeper;
    use baton::new_event;
    use kernel::{
        sync::{
            new_mutex,
            Arc, //
        },
        time::{
            delay::fsleep,
            Delta, //
        }, //
    };

    #[test]
    fn it_is_parked_until_it_is_unparked() -> Result {
        let cx = &mut MaySleep::assert();
        let run = Arc::pin_init(
            new_mutex!(pin_init!(Run { wanted <- new_event!(true), parked <- new_event!(false) })),
            GFP_KERNEL,
        )?;
        let sleeper = Sleeper::start(cx, &run, |run, cx| {
            while park_me(run, cx).is_ok() {
                fsleep(Delta::from_micros(100));
            }
        })?;
        let parked = park(&run, cx);
        let is_parked = *run.lock_in(cx).parked;
        unpark(&run, cx);
        let again = park(&run, cx);
        sleeper.thread().request_stop();
        sleeper.end(cx)?;
        assert_eq!((parked, again), (Ok(()), Ok(())));
        assert!(is_parked);
        Ok(())
    }
}
