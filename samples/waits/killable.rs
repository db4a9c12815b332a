// SPDX-License-Identifier: GPL-2.0

//! Wait, unless the task is killed.
//!
//! C: wait_event_killable
//! Rust: `.wait(Killable)`
//! Not any more: an error path that is left out; a kill at the moment of the wake-up: the task has what it
//! claimed, or an error, and never both
//!
//! ```c
//! if (wait_event_killable(fs->wait, READ_ONCE(fs->mounted)))
//!         return -EINTR;
//! ```

use baton::{
    event::Killable,
    Event,
    LockIn,
    MaySleep,
    WaitError, //
};
use kernel::{
    prelude::*,
    sync::Mutex, //
};

#[pin_data]
struct Filesystem {
    #[pin]
    mounted: Event<bool>,
}

fn wait(fs: &Mutex<Filesystem>, cx: &mut MaySleep) -> Result<(), WaitError> {
    fs.lock_in(cx)
        .on(|fs| &fs.mounted)
        .until(|mounted| *mounted)
        .wait(Killable)
}

#[kunit_tests(baton_waits_killable)]
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
    fn a_kill_ends_it_and_another_signal_does_not() -> Result {
        let cx = &mut MaySleep::assert();
        let fs = Arc::pin_init(
            new_mutex!(pin_init!(Filesystem { mounted <- new_event!(false) })),
            GFP_KERNEL,
        )?;
        let sleeper = Sleeper::start(cx, &fs, wait)?;
        let asleep = until(|| fs.lock_in(cx).mounted.waiters() == 1);
        sleeper.thread().interrupt();
        let sleeps_on = fs.lock_in(cx).mounted.waiters() == 1;
        sleeper.thread().kill();
        let got = sleeper.end(cx)?;
        assert!(asleep && sleeps_on);
        assert_eq!(got, Err(WaitError::Signal));
        Ok(())
    }
}
