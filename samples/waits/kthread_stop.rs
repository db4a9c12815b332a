// SPDX-License-Identifier: GPL-2.0

//! Run a loop in a thread until it is stopped.
//!
//! C: kthread_run, kthread_stop, kthread_stop_put, kthread_should_stop
//! Rust: `Thread::spawn(cx, c"ticker", move |cx, stop| ..)`
//! Not any more: a wait that does not name `kthread_should_stop()` and that the stop does not end; a thread that has returned by itself, and
//! whose task is freed when it is stopped; a stop of oneself
//!
//! ```c
//! while (!kthread_should_stop()) {
//!         wait_event_interruptible(clock->wait, clock->due || kthread_should_stop());
//!         clock->ticks += xchg(&clock->due, 0);
//! }
//! return 0;
//! ```

use baton::{
    event::Idle,
    Event,
    LockIn,
    MaySleep,
    Thread, //
};
use core::mem;
use kernel::{
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    }, //
};

#[pin_data]
struct Clock {
    #[pin]
    due: Event<u32>,
    ticks: u32,
}

fn start(clock: Arc<Mutex<Clock>>, cx: &mut MaySleep) -> Result<Thread> {
    Thread::spawn(cx, c"ticker", move |cx, stop| {
        while !stop.requested() {
            let held = clock.lock_in(cx);
            let wait = held.on(|clock| &clock.due).when(|due| *due > 0, mem::take);
            // A stop ends it.
            if let Ok(due) = wait.wait(Idle) {
                *clock.lock_in(cx).as_mut().project().ticks += due;
            }
        }
    })
}

#[kunit_tests(baton_waits_kthread_stop)]
mod tests {
    use super::*;
    use crate::suite::until;
    use baton::new_event;
    use kernel::sync::new_mutex;

    #[test]
    fn the_stop_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let clock = Arc::pin_init(
            new_mutex!(pin_init!(Clock { due <- new_event!(0), ticks: 0 })),
            GFP_KERNEL,
        )?;
        let thread = start(clock.clone(), cx)?;
        clock
            .lock_in(cx)
            .update(|clock| clock.project().due, |due| *due += 3);
        let ticked = until(|| clock.lock_in(cx).ticks == 3);
        let asleep = until(|| clock.lock_in(cx).due.waiters() == 1);
        let stopped = thread.stop(cx).is_ok();
        assert!(ticked && asleep && stopped);
        Ok(())
    }
}
