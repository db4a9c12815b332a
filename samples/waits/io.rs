// SPDX-License-Identifier: GPL-2.0

//! Wait for a device, so that the time counts as waiting for I/O.
//!
//! C: io_wait_event
//! Rust: `.wait(Io)`
//! Not any more: time that is counted as idle because one wait of several was the plain one: the mode is at the wait, for
//! events, completions and drains alike
//!
//! ```c
//! io_wait_event(log->wait, READ_ONCE(log->stable) >= record);
//! ```

use baton::{
    event::{
        Closed,
        Io, //
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

fn wait(log: &Mutex<Log>, cx: &mut MaySleep, record: u64) -> Result<(), Closed> {
    log.lock_in(cx)
        .on(|log| &log.stable)
        .until(move |stable| *stable >= record)
        .wait(Io)
}

#[kunit_tests(baton_waits_io)]
mod tests {
    use super::*;
    use crate::told;
    use baton::new_event;
    use kernel::sync::{
        new_mutex,
        Arc, //
    };

    #[test]
    fn it_waits_until_the_record_is_stable() -> Result {
        let cx = &mut MaySleep::assert();
        let log = Arc::pin_init(
            new_mutex!(pin_init!(Log { stable <- new_event!(0) })),
            GFP_KERNEL,
        )?;
        let got = told(
            cx,
            &log,
            |log, cx| wait(log, cx, 2),
            |log, cx| log.lock_in(cx).stable.waiters(),
            |log, cx| {
                for record in 1..=2 {
                    log.lock_in(cx)
                        .update(|log| log.project().stable, |stable| *stable = record);
                }
            },
        )?;
        assert_eq!(got, Ok(()));
        Ok(())
    }
}
