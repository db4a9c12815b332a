// SPDX-License-Identifier: GPL-2.0

//! Run a loop in a thread that does not work while the system goes to sleep.
//!
//! C: kthread_freezable_should_stop
//! Rust: `while !stop.requested_or_freeze(cx)`
//! Not any more: `set_freezable()` that is left out, or called by another task; a look for the freezer with a lock held; a
//! freeze that fails because the thread sleeps in a wait that the freezer does not know
//!
//! ```c
//! set_freezable();
//! while (!kthread_freezable_should_stop(NULL)) {
//!         wait_event_freezable(daemon->wait, daemon->jobs || kthread_should_stop());
//!         do_jobs(daemon);
//! }
//! ```

use baton::{
    event::{
        Idle,
        Mode, //
    },
    thread::Builder,
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
struct Daemon {
    #[pin]
    jobs: Event<u32>,
    done: u32,
}

fn start(daemon: Arc<Mutex<Daemon>>, cx: &mut MaySleep) -> Result<Thread> {
    let thread = Builder::new(c"daemon").freezable();
    thread.spawn(cx, move |cx, stop| {
        while !stop.requested_or_freeze(cx) {
            let jobs = daemon.lock_in(cx).on(|daemon| &daemon.jobs);
            let wait = jobs.when(|jobs| *jobs > 0, mem::take);
            // A stop ends it.
            if let Ok(jobs) = wait.wait(Idle.freezable()) {
                *daemon.lock_in(cx).as_mut().project().done += jobs;
            }
        }
    })
}

#[kunit_tests(baton_waits_kthread_freezable)]
mod tests {
    use super::*;
    use crate::suite::until;
    use baton::new_event;
    use kernel::sync::new_mutex;

    #[test]
    fn the_stop_ends_the_wait() -> Result {
        let cx = &mut MaySleep::assert();
        let daemon = Arc::pin_init(
            new_mutex!(pin_init!(Daemon { jobs <- new_event!(0), done: 0 })),
            GFP_KERNEL,
        )?;
        let thread = start(daemon.clone(), cx)?;
        daemon
            .lock_in(cx)
            .update(|daemon| daemon.project().jobs, |jobs| *jobs += 3);
        let done = until(|| daemon.lock_in(cx).done == 3);
        let asleep = until(|| daemon.lock_in(cx).jobs.waiters() == 1);
        let stopped = thread.stop(cx).is_ok();
        assert!(done && asleep && stopped);
        Ok(())
    }
}
