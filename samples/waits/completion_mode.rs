// SPDX-License-Identifier: GPL-2.0

//! Wait for the end of something, unless a signal comes.
//!
//! C: wait_for_completion_interruptible, wait_for_completion_killable, wait_for_completion_state, wait_for_completion_io
//! Rust: `.wait(cx, Interruptible)`
//! Not any more: a completion on the stack of a task that was interrupted and has returned, which the device completes later; what was
//! to be told is returned to who tells it
//!
//! ```c
//! err = wait_for_completion_interruptible(&read->done);
//! if (err) {
//!         cancel(dev, read);
//!         wait_for_completion(&read->done);
//! }
//! ```

use baton::{
    completion::Completion,
    event::Interruptible,
    MaySleep, //
};
use kernel::prelude::*;

/// After a signal, whoever completes finds that nobody waits: the memory is theirs as well.
fn wait(mut read: Completion<u32>, cx: &mut MaySleep) -> Result<u32> {
    read.wait(cx, Interruptible)
}

#[kunit_tests(baton_waits_completion_mode)]
mod tests {
    use super::*;
    use crate::{
        suite::until,
        Sleeper, //
    };
    use baton::{
        completion::{
            self,
            Abandoned, //
        },
        LockIn, //
    };
    use kernel::sync::{
        new_mutex,
        Arc, //
    };

    #[test]
    fn who_completes_later_gets_it_back() -> Result {
        let cx = &mut MaySleep::assert();
        let mut completer = None;
        let read = completion::start::<u32, _>(cx, |local, _| {
            completer = Some(local.hand_over());
            Ok(())
        })?;
        let completer = completer.ok_or(EIO)?;
        let read = Arc::pin_init(new_mutex!(Some(read)), GFP_KERNEL)?;
        let sleeper = Sleeper::start(cx, &read, |read, cx| {
            let read = read.lock_in(cx).take().ok_or(EIO)?;
            wait(read, cx)
        })?;
        // The signal may come before the wait, which it ends then.
        let begun = until(|| read.lock_in(cx).is_none());
        sleeper.thread().interrupt();
        let got = sleeper.end(cx)?;
        let late = completer.complete(Ok(7));
        assert!(begun);
        assert_eq!(got, Err(ERESTARTSYS));
        assert_eq!(late, Err(Abandoned(Ok(7))));
        Ok(())
    }
}
