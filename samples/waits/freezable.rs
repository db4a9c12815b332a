// SPDX-License-Identifier: GPL-2.0

//! Wait for what may take as long as the system sleeps.
//!
//! C: wait_event_freezable, wait_event_freezable_timeout, wait_event_freezable_exclusive
//! Rust: `.wait(Interruptible.freezable())`
//! Not any more: a task that is frozen with a lock held, which others need in order to freeze; a freeze that fails
//! because one wait of several was the plain one
//!
//! ```c
//! err = wait_event_freezable(request->wait, READ_ONCE(request->answered));
//! ```

use baton::{
    event::{
        Interruptible,
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
struct Request {
    /// By a program, which may be frozen.
    #[pin]
    answered: Event<bool>,
}

fn wait(request: &Mutex<Request>, cx: &mut MaySleep) -> Result<(), WaitError> {
    request
        .lock_in(cx)
        .on(|request| &request.answered)
        .until(|answered| *answered)
        .wait(Interruptible.freezable())
}

#[kunit_tests(baton_waits_freezable)]
mod tests {
    use super::*;
    use crate::told;
    use baton::new_event;
    use kernel::sync::{
        new_mutex,
        Arc, //
    };

    #[test]
    fn it_waits_for_the_answer() -> Result {
        let cx = &mut MaySleep::assert();
        let request = Arc::pin_init(
            new_mutex!(pin_init!(Request { answered <- new_event!(false) })),
            GFP_KERNEL,
        )?;
        let got = told(
            cx,
            &request,
            wait,
            |request, cx| request.lock_in(cx).answered.waiters(),
            |request, cx| {
                request.lock_in(cx).update(
                    |request| request.project().answered,
                    |answered| *answered = true,
                );
            },
        )?;
        assert_eq!(got, Ok(()));
        Ok(())
    }
}
