// SPDX-License-Identifier: GPL-2.0

//! Wait, unless a signal comes.
//!
//! C: wait_event_interruptible
//! Rust: `.wait(Interruptible)?`
//! Not any more: a result that nobody looks at, after which the condition is taken for granted: it is an error,
//! in the type
//!
//! ```c
//! if (wait_event_interruptible(line->wait, READ_ONCE(line->ringing)))
//!         return -ERESTARTSYS;
//! ```

use baton::{
    event::Interruptible,
    Event,
    LockIn,
    MaySleep, //
};
use kernel::{
    prelude::*,
    sync::Mutex, //
};

#[pin_data]
struct Line {
    #[pin]
    ringing: Event<bool>,
}

fn wait(line: &Mutex<Line>, cx: &mut MaySleep) -> Result {
    line.lock_in(cx)
        .on(|line| &line.ringing)
        .until(|ringing| *ringing)
        .wait(Interruptible)?;
    Ok(())
}

#[kunit_tests(baton_waits_interruptible)]
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
    fn a_signal_ends_it() -> Result {
        let cx = &mut MaySleep::assert();
        let line = Arc::pin_init(
            new_mutex!(pin_init!(Line { ringing <- new_event!(false) })),
            GFP_KERNEL,
        )?;
        let sleeper = Sleeper::start(cx, &line, wait)?;
        let asleep = until(|| line.lock_in(cx).ringing.waiters() == 1);
        sleeper.thread().interrupt();
        let got = sleeper.end(cx)?;
        assert!(asleep);
        assert_eq!(got, Err(ERESTARTSYS));
        Ok(())
    }
}
