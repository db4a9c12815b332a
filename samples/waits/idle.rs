// SPDX-License-Identifier: GPL-2.0

//! Wait for work, for as long as it takes, without being counted as load.
//!
//! C: wait_event_idle, wait_event_idle_timeout, wait_event_idle_exclusive, wait_event_idle_exclusive_timeout
//! Rust: `.wait(Idle)`
//! Not any more: a daemon that waits interruptibly, only so that it does not count, and spins when it gets a signal; one
//! that is asked to stop and does not wake up
//!
//! ```c
//! while (!kthread_should_stop()) {
//!         wait_event_idle(daemon->wait, daemon->work || kthread_should_stop());
//!         do_work(xchg(&daemon->work, 0));
//! }
//! ```

use baton::{
    event::{
        Closed,
        Idle, //
    },
    Event,
    LockIn,
    MaySleep, //
};
use core::mem;
use kernel::{
    prelude::*,
    sync::Mutex, //
};

#[pin_data]
struct Daemon {
    #[pin]
    work: Event<u32>,
    done: u32,
}

/// The body of a thread. A stop of it ends the wait, which it need not mention.
fn run(daemon: &Mutex<Daemon>, cx: &mut MaySleep) -> Closed {
    loop {
        let held = daemon.lock_in(cx);
        let wait = held
            .on(|daemon| &daemon.work)
            .when(|work| *work > 0, mem::take);
        match wait.wait(Idle) {
            Ok(work) => *daemon.lock_in(cx).as_mut().project().done += work,
            Err(stopped) => return stopped,
        }
    }
}

#[kunit_tests(baton_waits_idle)]
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
    fn it_works_until_it_is_stopped() -> Result {
        let cx = &mut MaySleep::assert();
        let daemon = Arc::pin_init(
            new_mutex!(pin_init!(Daemon { work <- new_event!(0), done: 0 })),
            GFP_KERNEL,
        )?;
        let sleeper = Sleeper::start(cx, &daemon, run)?;
        let asleep = until(|| daemon.lock_in(cx).work.waiters() == 1);
        daemon
            .lock_in(cx)
            .update(|daemon| daemon.project().work, |work| *work += 3);
        let done = until(|| daemon.lock_in(cx).done == 3);
        sleeper.thread().request_stop();
        let ended = sleeper.end(cx);
        assert!(asleep && done);
        assert_eq!(ended, Ok(Closed));
        Ok(())
    }
}
