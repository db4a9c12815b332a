// SPDX-License-Identifier: GPL-2.0

//! Wait for an answer, but not longer than that.
//!
//! C: wait_for_completion_timeout, wait_for_completion_io_timeout, wait_for_completion_interruptible_timeout,
//! wait_for_completion_killable_timeout
//! Rust: `.wait(cx, Killable.timeout(msecs_to_jiffies(10)))`
//! Not any more: 0 that is taken for success; an `unsigned long` that is compared with less than 0; a late `complete()` of memory that
//! was given up
//!
//! ```c
//! if (!wait_for_completion_timeout(&cmd->done, msecs_to_jiffies(10)))
//!         return -ETIMEDOUT;
//! return cmd->status;
//! ```

use baton::{
    completion::Completion,
    event::{
        Killable,
        Mode, //
    },
    MaySleep, //
};
use kernel::{
    prelude::*,
    time::msecs_to_jiffies, //
};

fn wait(command: &mut Completion<u32>, cx: &mut MaySleep) -> Result<u32> {
    command.wait(cx, Killable.timeout(msecs_to_jiffies(10)))
}

#[kunit_tests(baton_waits_completion_timeout)]
mod tests {
    use super::*;
    use baton::completion;

    #[test]
    fn a_late_answer_can_be_waited_for_again() -> Result {
        let cx = &mut MaySleep::assert();
        let mut completer = None;
        let mut command = completion::start(cx, |local, _| {
            completer = Some(local.hand_over());
            Ok(())
        })?;
        let first = wait(&mut command, cx);
        let told = completer.ok_or(EIO)?.complete(Ok(7));
        let second = wait(&mut command, cx);
        assert_eq!(first, Err(ETIMEDOUT));
        assert_eq!((told, second), (Ok(()), Ok(7)));
        Ok(())
    }
}
