// SPDX-License-Identifier: GPL-2.0

//! Wait for a device, so that the time counts as waiting for I/O and a kill ends it.
//!
//! C: io_wait_event_killable
//! Rust: `.wait(Killable.io())`
//! Not any more: a wait that can be killed and counts as idle, because of the two macros the other one was at hand: each form is one word,
//! and they are combined
//!
//! ```c
//! err = io_wait_event_killable(log->wait, READ_ONCE(log->stable) >= record);
//! ```

use baton::{
    event::{
        Killable,
        Mode,
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
struct Log {
    /// The last record that is stable.
    #[pin]
    stable: Event<u64>,
}

fn wait(log: &Mutex<Log>, cx: &mut MaySleep, record: u64) -> Result<(), WaitError> {
    log.lock_in(cx)
        .on(|log| &log.stable)
        .until(move |stable| *stable >= record)
        .wait(Killable.io())
}

#[kunit_tests(baton_waits_io_killable)]
mod tests {
    use super::*;
    use crate::{
        suite::until,
        Sleeper, //
    };
    use baton::{
        new_event,
        testing::state, //
    };
    use kernel::sync::{
        new_mutex,
        Arc, //
    };

    #[test]
    fn it_waits_for_io() -> Result {
        let cx = &mut MaySleep::assert();
        let log = Arc::pin_init(
            new_mutex!(pin_init!(Log { stable <- new_event!(0) })),
            GFP_KERNEL,
        )?;
        let sleeper = Sleeper::start(cx, &log, |log, cx| wait(log, cx, 1))?;
        let asleep = until(|| state(sleeper.thread().task()) == ('D', true));
        log.lock_in(cx)
            .update(|log| log.project().stable, |stable| *stable = 1);
        let got = sleeper.end(cx)?;
        assert!(asleep);
        assert_eq!(got, Ok(()));
        Ok(())
    }
}
